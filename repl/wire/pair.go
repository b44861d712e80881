package wire

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// Pair returns the two ends of a connection: one for this process, one for a child process. The caller closes both.
func Pair() (ours net.Conn, theirs *os.File, err error) {
	file, theirs, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	ours, err = net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// socketPair returns two connected sockets, which programs that start later do not inherit.
func socketPair() (ours, theirs *os.File, err error) {
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
	return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs"), nil
}
