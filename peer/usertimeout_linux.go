package peer

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// setUserTimeout bounds how long sent bytes may go without acknowledgement
// before the kernel gives a connection up (TCP_USER_TIMEOUT, tcp(7)). Without it
// a connection that a partition broke waits in retransmission for many minutes.
// Set on a listener, the accepted connections have it too.
func setUserTimeout(_, _ string, raw syscall.RawConn) error {
	var err error
	ms := int(userTimeout.Milliseconds())
	if e := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, ms)
	}); e != nil {
		return e
	}
	return err
}
