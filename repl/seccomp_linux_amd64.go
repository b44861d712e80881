package repl

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_X86_64

// deniedLegacy are older forms of denied calls, which newer architectures lack.
var deniedLegacy = []uint32{
	unix.SYS_OPEN,
	unix.SYS_CREAT,
	unix.SYS_UNLINK,
	unix.SYS_RENAME,
	unix.SYS_MKDIR,
	unix.SYS_RMDIR,
	unix.SYS_LINK,
	unix.SYS_SYMLINK,
	unix.SYS_CHMOD,
	unix.SYS_CHOWN,
	unix.SYS_FORK,
	unix.SYS_VFORK,
	unix.SYS_ACCEPT,
	unix.SYS_INOTIFY_INIT,
}
