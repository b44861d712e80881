//go:build darwin || freebsd

package pty

import "golang.org/x/sys/unix"

const (
	ioctlGetTermios = unix.TIOCGETA
	disabledChar    = 0xff // a disabled control character
)

// flushInput discards unread input.
func (t *terminal) flushInput() {
	const readSide = 1 // FREAD
	control(t.tty, func(fd int) error { return unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, readSide) })
}

// wakeWriters does nothing: these kernels wake writers when they discard output.
func (t *terminal) wakeWriters() {}

// session is unknown: shells end with their node.
func (t *terminal) session() int { return 0 }
