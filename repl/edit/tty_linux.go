package edit

import "golang.org/x/sys/unix"

const getTermios, setTermios = unix.TCGETS, unix.TCSETS

// disabled disables a control character (_POSIX_VDISABLE).
const disabled = 0
