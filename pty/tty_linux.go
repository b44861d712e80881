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

// wakeWriters wakes programs that wait for room for their output. For ^C, Linux throws away the output that was not
// read, but does not tell a writer that there is room now (pty_flush_buffer in drivers/tty/pty.c). A program that the
// signal does not reach in that very thread would wait for ever. Stopping and starting the output wakes it.
func (t *terminal) wakeWriters() {
	for _, action := range []int{unix.TCOOFF, unix.TCOON} {
		control(t.tty, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCXONC, action) })
	}
}
