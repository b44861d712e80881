//go:build linux && (amd64 || arm64)

package repl

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// deniedCalls are the system calls that a sandbox may not make: those that open files, start programs, connect, or
// access other processes. Its descriptor to the supervisor is already open.
var deniedCalls = append([]uint32{
	unix.SYS_OPENAT,
	unix.SYS_OPENAT2,
	unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_UNLINKAT,
	unix.SYS_RENAMEAT,
	unix.SYS_RENAMEAT2,
	unix.SYS_MKDIRAT,
	unix.SYS_LINKAT,
	unix.SYS_SYMLINKAT,
	unix.SYS_FCHMODAT,
	unix.SYS_FCHOWNAT,
	unix.SYS_TRUNCATE,
	unix.SYS_MOUNT,
	unix.SYS_CHDIR,
	unix.SYS_CHROOT,
	unix.SYS_EXECVE,
	unix.SYS_EXECVEAT,
	unix.SYS_UNSHARE,
	unix.SYS_SETNS,
	unix.SYS_SOCKET,
	unix.SYS_SOCKETPAIR,
	unix.SYS_CONNECT,
	unix.SYS_BIND,
	unix.SYS_LISTEN,
	unix.SYS_ACCEPT4,
	unix.SYS_SENDTO,
	unix.SYS_SENDMSG,
	unix.SYS_KILL,
	unix.SYS_TKILL,
	unix.SYS_RT_SIGQUEUEINFO,
	unix.SYS_RT_TGSIGQUEUEINFO,
	unix.SYS_PIDFD_OPEN,
	unix.SYS_PIDFD_SEND_SIGNAL,
	unix.SYS_PIDFD_GETFD,
	unix.SYS_PTRACE,
	unix.SYS_PROCESS_VM_READV,
	unix.SYS_PROCESS_VM_WRITEV,
	unix.SYS_IO_URING_SETUP,
	unix.SYS_BPF,
	unix.SYS_KEYCTL,
	unix.SYS_ADD_KEY,
	unix.SYS_REQUEST_KEY,
	unix.SYS_INOTIFY_INIT1,
	unix.SYS_MEMFD_CREATE,
	unix.SYS_USERFAULTFD,
	unix.SYS_PERF_EVENT_OPEN,
}, deniedLegacy...)

// Offsets in struct seccomp_data (seccomp(2)).
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArg0   = 16 // lower half: both architectures are little endian
)

// installFilter denies those calls to all threads of this process, permanently. Go's runtime may still start threads
// and send signals within the process. Calls of another architecture are denied.
func installFilter() error {
	program := filter()
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(
		unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)),
	)
	runtime.KeepAlive(program)
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

// seccompAvailable reports whether the kernel supports the filter.
func seccompAvailable() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0
}

// filter is the program that the kernel runs for each call (classic BPF).
func filter() []unix.SockFilter {
	const deny, unknown = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM), unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	give := func(what uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what} }
	load := func(off uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
	}
	// jump skips yes or no instructions.
	jump := func(op uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	program := []unix.SockFilter{
		load(offsetArch), jump(unix.BPF_JEQ, auditArch, 1, 0), give(deny),
		load(offsetNumber), jump(unix.BPF_JGE, 0x40000000, 0, 1), give(deny), // x32
		// clone3's flags are in memory, which a filter cannot read; with ENOSYS, C falls back to clone
		jump(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), give(unknown),
	}
	for _, number := range deniedCalls {
		program = append(program, jump(unix.BPF_JEQ, number, 0, 1), give(deny))
	}
	return append(
		program, jump(unix.BPF_JEQ, unix.SYS_CLONE, 0, 4), load(offsetArg0), jump(unix.BPF_JSET, unix.CLONE_THREAD, 1, 0),
		give(deny), give(unix.SECCOMP_RET_ALLOW), jump(unix.BPF_JEQ, unix.SYS_TGKILL, 0, 4), load(offsetArg0),
		jump(unix.BPF_JEQ, uint32(os.Getpid()), 1, 0), give(deny), give(unix.SECCOMP_RET_ALLOW), give(unix.SECCOMP_RET_ALLOW),
	)
}
