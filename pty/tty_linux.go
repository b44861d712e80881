package pty

import "golang.org/x/sys/unix"

const (
	ioctlGetTermios = unix.TCGETS
	noChar          = 0 // a control character that is switched off
)

// flushInput throws away what was typed and not read: first what waits between
// ptmx and tty (up to 64 KiB), then what waits in the tty (4 KiB).
func (t *terminal) flushInput() {
	control(t.ptmx, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
	control(t.tty, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) })
}
