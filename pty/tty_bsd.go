//go:build darwin || freebsd

package pty

import "golang.org/x/sys/unix"

const (
	ioctlGetTermios = unix.TIOCGETA
	noChar          = 0xff // a control character that is switched off
)

// flushInput throws away what was typed and not read.
func (t *terminal) flushInput() {
	const readSide = 1 // FREAD
	control(t.tty, func(fd int) error { return unix.IoctlSetPointerInt(fd, unix.TIOCFLUSH, readSide) })
}

// wakeWriters does nothing: these kernels wake writers when they throw output away.
func (t *terminal) wakeWriters() {}
