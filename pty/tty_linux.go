package pty

import "golang.org/x/sys/unix"

const (
	ioctlGetTermios = unix.TCGETS
	disabledChar    = 0 // a disabled control character
)

// flushInput discards unread input: first between ptmx and tty (up to 64 KiB), then in the tty (4 KiB).
func (t *terminal) flushInput() {
	control(t.ptmx, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
	control(t.tty, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) })
}

// wakeWriters wakes programs that wait to write output. At ^C, Linux discards unread output, but does not tell a writer
// that there is room (pty_flush_buffer in drivers/tty/pty.c). A program that the signal does not reach in that very
// thread would wait forever. Stopping and starting the output wakes it.
func (t *terminal) wakeWriters() {
	for _, action := range []int{unix.TCOOFF, unix.TCOON} {
		control(t.tty, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCXONC, action) })
	}
}

// session is the process whose controlling terminal it is, 0 if there is none.
func (t *terminal) session() (pid int) {
	control(t.ptmx, func(fd int) (err error) {
		pid, err = unix.IoctlGetInt(fd, unix.TIOCGSID)
		return err
	})
	return pid
}
