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
	offsetArg0   = 16 // its lower half: both architectures are little endian
	offsetArg1   = 24
)

// refuseSockets has the kernel refuse Unix sockets to this process and all that it starts: by them it would reach the
// other programs of its user, which are not confined. Pairs are allowed, except of datagram sockets, which can be
// connected elsewhere later. Also refused are io_uring, which makes sockets past this filter, and programs of another
// architecture.
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

// socketFilter is the program that the kernel runs for each call (classic BPF).
func socketFilter() []unix.SockFilter {
	const deny = unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)
	const datagrams = unix.SOCK_DGRAM & unix.SOCK_RAW // the bit by which they differ from streams and sequenced packets
	give := func(what uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what} }
	load := func(off uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
	}
	// jump goes yes or no instructions further.
	jump := func(how uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | how | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	return []unix.SockFilter{
		load(offsetArch), jump(unix.BPF_JEQ, auditArch, 1, 0), give(deny),
		load(offsetNumber), jump(unix.BPF_JGE, 0x40000000, 0, 1), give(deny), // x32
		jump(unix.BPF_JEQ, unix.SYS_IO_URING_SETUP, 0, 1), give(deny),
		jump(unix.BPF_JEQ, unix.SYS_SOCKET, 0, 4), load(offsetArg0), jump(unix.BPF_JEQ, unix.AF_UNIX, 0, 1), give(deny),
		give(unix.SECCOMP_RET_ALLOW),
		jump(unix.BPF_JEQ, unix.SYS_SOCKETPAIR, 0, 5), load(offsetArg0), jump(unix.BPF_JEQ, unix.AF_UNIX, 0, 3),
		load(offsetArg1), jump(unix.BPF_JSET, datagrams, 0, 1), give(deny),
		give(unix.SECCOMP_RET_ALLOW),
	}
}
