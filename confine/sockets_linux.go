//go:build amd64 || arm64

package confine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets into struct seccomp_data (seccomp(2)).
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArg0   = 16 // lower half: both architectures are little endian
	offsetArg1   = 24
)

// denyUnixSockets denies Unix sockets to this process and its descendants, because they lead to the user's other
// programs, which are not confined. Socket pairs are allowed, except datagram sockets, which can be connected elsewhere
// later. It also denies io_uring, which can create sockets past this filter, and programs of another architecture.
func denyUnixSockets() error {
	program := socketFilter()
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

// socketFilter returns the seccomp filter (classic BPF).
func socketFilter() []unix.SockFilter {
	const deny = unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)
	const datagrams = unix.SOCK_DGRAM & unix.SOCK_RAW // the bit that streams and sequenced packets do not have
	ret := func(what uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what} }
	load := func(off uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
	}
	// jump skips yes or no instructions.
	jump := func(how uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | how | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	return []unix.SockFilter{
		load(offsetArch), jump(unix.BPF_JEQ, auditArch, 1, 0), ret(deny),
		load(offsetNumber), jump(unix.BPF_JGE, 0x40000000, 0, 1), ret(deny), // x32
		jump(unix.BPF_JEQ, unix.SYS_IO_URING_SETUP, 0, 1), ret(deny),
		jump(unix.BPF_JEQ, unix.SYS_SOCKET, 0, 4), load(offsetArg0), jump(unix.BPF_JEQ, unix.AF_UNIX, 0, 1), ret(deny),
		ret(unix.SECCOMP_RET_ALLOW),
		jump(unix.BPF_JEQ, unix.SYS_SOCKETPAIR, 0, 5), load(offsetArg0), jump(unix.BPF_JEQ, unix.AF_UNIX, 0, 3),
		load(offsetArg1), jump(unix.BPF_JSET, datagrams, 0, 1), ret(deny),
		ret(unix.SECCOMP_RET_ALLOW),
	}
}
