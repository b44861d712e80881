package confine

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spawn starts a program in a new process with the rights of the calling thread, and writes its number to a socket, for
// [ReadPid]. The process leads a session with the terminal on standard input, and is a child of this one's parent. That
// is faster than [Exec], which waits until the kernel has ended all other threads of this process. Those are not
// confined, so this process is undumpable before the program begins: the program cannot trace it (ptrace(2)). After an
// error no program runs; if there was none to execute, the number is 0.
func Spawn(socket int, args, env []string) error {
	path, err := exec.LookPath(args[0])
	if err != nil {
		writePid(socket, 0) //nolint:errcheck // then nobody waits for it
		return err
	}
	if err := SetUndumpable(); err != nil {
		return err
	}
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{
		Env:   env,
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: true, Cloneflags: unix.CLONE_PARENT},
	})
	if err != nil {
		return err
	}
	if writePid(socket, pid) != nil { // nobody waits for it, and an error would start the program again
		syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it has ended
	}
	return nil
}
