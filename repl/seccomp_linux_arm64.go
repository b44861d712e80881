package repl

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// deniedLegacy are older forms of denied calls, of which arm64 has one.
var deniedLegacy = []uint32{unix.SYS_ACCEPT}
