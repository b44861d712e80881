package supervisor

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// send sends a message, without waiting: EAGAIN if that would be necessary.
func send(fd int, m message) error {
	packet, err := m.encode()
	if err != nil {
		return err
	}
	var rights []byte
	if len(m.files) > 0 {
		rights = unix.UnixRights(m.files...)
	}
	for {
		err := unix.Sendmsg(fd, packet, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// receive receives a message, without waiting: EAGAIN if there is none, io.EOF if there will be none. After
// errMalformed the next one can be received. It uses a buffer of maxMessage bytes.
func receive(fd int, packet []byte) (message, error) {
	rights := make([]byte, unix.CmsgSpace(4*(maxFiles+1))) // and a pidfd
	n, rightsLen, flags, err := 0, 0, 0, error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		n, rightsLen, flags, _, err = unix.Recvmsg(fd, packet, rights, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil {
		return message{}, err
	}
	files := rightsOf(rights[:rightsLen])
	if n == 0 && len(files) == 0 {
		return message{}, io.EOF
	}
	m, err := decode(packet[:n])
	if err != nil || flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		closeAll(files)
		return message{}, errMalformed
	}
	m.files = files
	return m, nil
}

// rightsOf returns the descriptors in control messages.
func rightsOf(control []byte) (files []int) {
	messages, _ := unix.ParseSocketControlMessage(control) //nolint:errcheck // the kernel wrote it
	for i := range messages {
		some, _ := unix.ParseUnixRights(&messages[i]) //nolint:errcheck // as above
		files = append(files, some...)
	}
	return files
}

func closeAll(files []int) {
	for _, fd := range files {
		unix.Close(fd) //nolint:errcheck // nothing was written
	}
}
