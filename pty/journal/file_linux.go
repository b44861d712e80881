package journal

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Supported reports whether this system has journals.
const Supported = true

// seals ensure that no other process can take mapped memory away (SIGBUS).
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// create makes shared memory of total bytes and maps the first ones.
func create(mapped, total int) (*os.File, []byte, error) {
	fd, err := unix.MemfdCreate("convoy-shell", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fd), "journal")
	err = file.Truncate(int64(total))
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	var mem []byte
	if err == nil {
		mem, err = unix.Mmap(fd, 0, mapped, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		file.Close() //nolint:errcheck // it is memory
		return nil, nil, err
	}
	return file, mem, nil
}

// openFile checks and maps shared memory.
func openFile(file *os.File) ([]byte, error) {
	fd := int(file.Fd())
	if got, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err != nil || got&seals != seals {
		return nil, fmt.Errorf("%w: it is not sealed memory", ErrDamaged)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, headerLen)
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrDamaged, info.Size())
	}
	ring, err := checkHeader(func(at int) uint64 { return binary.NativeEndian.Uint64(head[at:]) })
	if err != nil {
		return nil, err
	}
	if info.Size() != int64(ringAt+ring+checkpointsLen) {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrDamaged, info.Size())
	}
	return unix.Mmap(fd, 0, ringAt+ring, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func unmap(mem []byte) { unix.Munmap(mem) } //nolint:errcheck // it was mapped
