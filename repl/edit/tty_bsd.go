//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package edit

import "golang.org/x/sys/unix"

const getTermios, setTermios = unix.TIOCGETA, unix.TIOCSETA

// disabled disables a control character (_POSIX_VDISABLE).
const disabled = 0xff
