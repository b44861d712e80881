package peer

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// setUserTimeout limits how long sent bytes may stay unacknowledged before the kernel drops a connection
// (TCP_USER_TIMEOUT, tcp(7)). Without it, a connection broken by a partition retransmits for many minutes. Connections
// accepted by a listener inherit it.
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
