package files

import "io"

// Store transfers files: [Local] or [Subprocess].
type Store interface {
	CheckDir(dir string) error
	Put(dir, name string, source io.Reader, limit int64) (Stored, error)
	Open(dir, path string, limit int64) (*File, error)
}

// Local transfers files in this process.
type Local struct{}

// CheckDir calls [CheckDir].
func (Local) CheckDir(dir string) error { return CheckDir(dir) }

// Put calls [Put].
func (Local) Put(dir, name string, source io.Reader, limit int64) (Stored, error) {
	return Put(dir, name, source, limit)
}

// Open calls [Open].
func (Local) Open(dir, path string, limit int64) (*File, error) { return Open(dir, path, limit) }
