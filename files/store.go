package files

import "io"

// Store puts files and takes them: [Here], or [Elsewhere].
type Store interface {
	CheckDir(dir string) error
	Put(dir, name string, source io.Reader, limit int64) (Stored, error)
	Open(dir, path string, limit int64) (*File, error)
}

// Here is this process, with what it may do.
type Local struct{}

// Enter is [Enter].
func (Local) CheckDir(dir string) error { return CheckDir(dir) }

// Put is [Put].
func (Local) Put(dir, name string, source io.Reader, limit int64) (Stored, error) {
	return Put(dir, name, source, limit)
}

// Open is [Open].
func (Local) Open(dir, path string, limit int64) (*File, error) { return Open(dir, path, limit) }
