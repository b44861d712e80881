package edit

import "golang.org/x/sys/unix"

const getTermios, setTermios = unix.TCGETS, unix.TCSETS

// disabled is the control character that is none (_POSIX_VDISABLE).
const disabled = 0
