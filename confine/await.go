package confine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// MaxDir limits the directory in a message to [Await], in bytes (limits.h, PATH_MAX).
const MaxDir = 4096

// Await waits on a socket for one message (unix(7), SCM_RIGHTS): a directory, and the descriptor of a terminal. The
// terminal becomes the standard descriptors of this process. The socket closes with the next execve, which tells the
// sender that the program runs. After io.EOF nothing will come.
func Await(socket int) (dir string, err error) {
	unix.CloseOnExec(socket)
	text, rights := make([]byte, MaxDir), make([]byte, unix.CmsgSpace(4)) // for one descriptor
	n, m := 0, 0
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		n, m, _, _, err = unix.Recvmsg(socket, text, rights, 0)
	}
	if err != nil {
		return "", fmt.Errorf("wait for a terminal: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:m])
	if err != nil || len(messages) != 1 {
		return "", io.EOF
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return "", err
	}
	for to := range 3 {
		if err := dup(fds[0], to); err != nil {
			return "", fmt.Errorf("use the terminal: %w", err)
		}
	}
	syscall.Close(fds[0])
	return string(text[:n]), nil
}

// writePid writes a number for ReadPid.
func writePid(socket, pid int) error {
	_, err := unix.Write(socket, binary.NativeEndian.AppendUint32(nil, uint32(pid)))
	return err
}

// ReadPid reads the number of the process that Spawn has started. 0: it has started none, and becomes the program.
// io.EOF: likewise, but the attempt may have left a process.
func ReadPid(socket io.Reader) (pid int, err error) {
	number := make([]byte, 4)
	if _, err := io.ReadFull(socket, number); err != nil {
		return 0, err
	}
	return int(binary.NativeEndian.Uint32(number)), nil
}

// TakeTerminal makes the terminal on standard input the controlling one of this process, which leads a session. For up
// to a second, it waits for a process that Spawn has left, and that has the terminal until it has ended.
func TakeTerminal() (err error) {
	for range 1000 {
		if err = unix.IoctlSetInt(0, unix.TIOCSCTTY, 0); err == nil {
			return nil
		}
		if !errors.Is(err, unix.EPERM) {
			break
		}
		time.Sleep(time.Millisecond) // it is no child of this process
	}
	return fmt.Errorf("use the terminal: %w", err)
}
