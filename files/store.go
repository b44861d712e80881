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
