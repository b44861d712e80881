package wire

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// Pair returns the two ends of a connection: one for this process, one for a child process. The caller closes both.
func Pair() (ours net.Conn, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // no process that starts now inherits them
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	file := os.NewFile(uintptr(fds[0]), "ours")
	defer file.Close()
	theirs = os.NewFile(uintptr(fds[1]), "theirs")
	ours, err = net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}
