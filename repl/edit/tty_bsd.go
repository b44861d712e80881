//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package edit

import "golang.org/x/sys/unix"

const getTermios, setTermios = unix.TIOCGETA, unix.TIOCSETA

// disabled is the control character that is none (_POSIX_VDISABLE).
const disabled = 0xff
