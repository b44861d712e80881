package files

import "io"

// Store puts files and takes them: [Here], or [Elsewhere].
type Store interface {
	Enter(dir string) error
	Put(dir, name string, source io.Reader, limit int64) (Placed, error)
	Open(dir, path string, limit int64) (*File, error)
}

// Here is this process, with what it may do.
type Here struct{}

// Enter is [Enter].
func (Here) Enter(dir string) error { return Enter(dir) }

// Put is [Put].
func (Here) Put(dir, name string, source io.Reader, limit int64) (Placed, error) {
	return Put(dir, name, source, limit)
}

// Open is [Open].
func (Here) Open(dir, path string, limit int64) (*File, error) { return Open(dir, path, limit) }
