package files

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// pathBytes bounds a path, as Linux does.
const pathBytes = 4095

// File is an open regular file. The caller closes it.
type File struct {
	io.ReadCloser
	Name  string // last element of its path
	Bytes int64  // size when it was opened
}

// CheckDir returns an *Error if dir cannot be a working directory.
func (Local) CheckDir(dir string) error {
	at, err := os.Stat(dir)
	if err == nil && !at.IsDir() {
		err = unix.ENOTDIR
	}
	if err == nil {
		err = unix.Access(dir, unix.X_OK)
	}
	if err != nil {
		return pathError(dir, err)
	}
	return nil
}

// Open opens the regular file at path, relative to dir unless it is absolute, and follows links. Other files, such as a
// pipe that would block its reader, are a *TypeError, and files larger than limit a *LimitError. Other errors are
// ErrName or *Error.
func (Local) Open(dir, path string, limit int64) (*File, error) {
	if path == "" || len(path) > pathBytes || strings.ContainsRune(path, 0) {
		return nil, fmt.Errorf("%w: a path has 1 to %d bytes, none of them 0", ErrName, pathBytes)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	at, err := os.Stat(path) // opening a device may have side effects
	if err != nil {
		return nil, pathError(path, err)
	}
	if err := check(path, at, limit); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0) // the file may have been replaced
	if err != nil {
		return nil, pathError(path, err)
	}
	if at, err = f.Stat(); err == nil {
		err = check(path, at, limit)
	}
	if err != nil {
		f.Close() //nolint:errcheck // nothing was written
		return nil, err
	}
	return &File{f, filepath.Base(path), at.Size()}, nil
}

func check(path string, at os.FileInfo, limit int64) error {
	if !at.Mode().IsRegular() {
		return &TypeError{path, at.Mode()}
	}
	if at.Size() > limit {
		return &LimitError{limit}
	}
	return nil
}
