package repl

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// refusedHere are the older forms of refused calls, of which this architecture has none but one.
var refusedHere = []uint32{unix.SYS_ACCEPT}
