package wire

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// maxLabel limits a control socket's label, in bytes.
const maxLabel = 64

// ControlPair returns the two ends of a control socket, over which a node passes connections to a program that may
// outlive it: each is a byte with a descriptor (unix(7), SCM_RIGHTS). The label lies unread in the node's end, and goes
// where that goes: [Label] returns it to the node's next process. The program cannot read it. The caller closes both.
func ControlPair(label string) (ours, theirs *os.File, err error) {
	if len(label) >= maxLabel {
		return nil, nil, fmt.Errorf("label of %d bytes, at most %d are allowed", len(label), maxLabel-1)
	}
	ours, theirs, err = socketPair()
	if err != nil {
		return nil, nil, err
	}
	if _, err := theirs.WriteString(label + "\n"); err != nil {
		return nil, nil, errors.Join(err, ours.Close(), theirs.Close())
	}
	return ours, theirs, nil
}

// Label returns the label of a control socket, given the node's end.
func Label(ours *os.File) (string, error) {
	text := make([]byte, maxLabel)
	err := control(ours, func(fd int) error {
		n, _, err := syscall.Recvfrom(fd, text, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		text = text[:max(0, n)]
		return err
	})
	label, _, found := strings.Cut(string(text), "\n")
	if err == nil && !found {
		err = errors.New("there is none")
	}
	if err != nil {
		return "", fmt.Errorf("read the label of a control socket: %w", err)
	}
	return label, nil
}

// Offer passes a new connection to the program, given the node's end of a control socket, and returns the other end. It
// does not wait until the program accepts it.
func Offer(ours *os.File) (net.Conn, error) {
	conn, theirs, err := Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	err = control(ours, func(fd int) error {
		return syscall.Sendmsg(fd, []byte{0}, syscall.UnixRights(int(theirs.Fd())), nil, syscall.MSG_DONTWAIT)
	})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("pass a connection: %w", err)
	}
	return conn, nil
}

// Accept waits for the next connection, given the program's end of a control socket. An error means that there will be
// none: no process holds the node's end.
func Accept(theirs *net.UnixConn) (net.Conn, error) {
	rights := make([]byte, syscall.CmsgSpace(4)) // for one descriptor
	_, n, _, _, err := theirs.ReadMsgUnix(make([]byte, 1), rights)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return nil, errors.New("a message on the control socket has no descriptor")
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fds[0]), "node")
	defer file.Close()
	return net.FileConn(file)
}

// control calls fn with f's descriptor, whose mode it leaves as it is.
func control(f *os.File, fn func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if controlErr := conn.Control(func(fd uintptr) { err = fn(int(fd)) }); controlErr != nil {
		return controlErr
	}
	return err
}
