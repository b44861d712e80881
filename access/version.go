package access

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// FileVersion tells versions of a watched file apart: by its inode, size, and times of change. A program can set the
// time of the last modification to an old one, but not that of the last change.
type FileVersion struct {
	dev, ino              uint64
	size                  int64
	modified, changedNano int64
}

// VersionOf returns the version of a file, following links. A file that was replaced or written has another one, except
// within the resolution of the file system's clock: see Settled.
func VersionOf(path string) (FileVersion, error) {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return FileVersion{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return FileVersion{
		uint64(s.Dev), s.Ino, s.Size, s.Mtim.Nano(), s.Ctim.Nano(), //nolint:unconvert // its type depends on the system
	}, nil
}

// Settled reports whether the version is so old that a later write would have made another one.
func (v FileVersion) Settled() bool { return time.Since(time.Unix(0, v.changedNano)) > time.Second }
