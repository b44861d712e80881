package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// tempPrefix is the prefix of incomplete files. They are removed when a transfer fails, but not when the process is
// killed.
const tempPrefix = ".convoy-upload-"

// maxSuffix bounds the search for an unused name.
const maxSuffix = 1000

// mode is that of a new file, before the umask.
const mode = 0o644

// Stored describes a stored file.
type Stored struct {
	Name  string // the unused name that was chosen
	Bytes int64
}

// Put stores at most limit bytes of source in dir, under name, or if that exists, under "name (2)" and so on. It
// overwrites nothing and follows no link. The file appears complete or not at all. Concurrent calls get different
// names.
//
// Errors: ErrName, *LimitError, *SourceError or *Error.
func (Local) Put(dir, name string, source io.Reader, limit int64) (Stored, error) {
	if err := CheckName(name); err != nil {
		return Stored{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Stored{}, pathError(dir, err)
	}
	defer root.Close()
	temp := tempPrefix + rand.Text()[:16]
	n, err := writeTemp(root, temp, source, limit)
	if err == nil {
		name, err = claimName(root, temp, name)
	}
	if err != nil {
		root.Remove(temp) //nolint:errcheck // it may not be there
		if of, ok := errors.AsType[*Error](err); ok {
			of.Path = filepath.Join(dir, name)
		}
		return Stored{}, err
	}
	return Stored{name, n}, nil
}

// writeTemp writes source to a new file.
func writeTemp(root *os.Root, temp string, source io.Reader, limit int64) (int64, error) {
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return 0, pathError(temp, err)
	}
	in := &sourceReader{from: source}
	n, err := io.Copy(plainWriter{f}, io.LimitReader(in, limit+1))
	closed := f.Close() // some file systems report a full disk only here
	switch {
	case in.err != nil:
		return 0, &SourceError{in.err}
	case err != nil:
		return 0, pathError(temp, err)
	case n > limit:
		return 0, &LimitError{limit}
	case closed != nil:
		return 0, pathError(temp, closed)
	}
	return n, nil
}

// claimName renames the file to the first unused name. It claims a name by creating an empty file, which it then
// replaces.
func claimName(root *os.Root, temp, name string) (string, error) {
	for n := 1; n <= maxSuffix; n++ {
		free := numbered(name, n)
		f, err := root.OpenFile(free, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return name, pathError(free, err)
		}
		f.Close() //nolint:errcheck // it is empty
		if err := root.Rename(temp, free); err != nil {
			root.Remove(free) //nolint:errcheck // ours, and empty
			return name, pathError(free, err)
		}
		return free, nil
	}
	return name, pathError(name, fs.ErrExist)
}

// numbered returns the n-th name to try: "a.txt", "a (2).txt", "a (3).txt".
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if tar := filepath.Ext(stem); tar == ".tar" && stem != tar {
		stem, ext = strings.TrimSuffix(stem, tar), tar+ext
	}
	if stem == "" || len(ext) > nameBytes/2 { // ".profile" has no extension
		stem, ext = name, ""
	}
	ext = fmt.Sprintf(" (%d)%s", n, ext)
	if over := len(stem) + len(ext) - nameBytes; over > 0 {
		stem = stem[:len(stem)-over]
		for !utf8.ValidString(stem) {
			stem = stem[:len(stem)-1]
		}
	}
	return stem + ext
}

// sourceReader keeps a read error apart from a write error.
type sourceReader struct {
	from io.Reader
	err  error
}

func (r *sourceReader) Read(b []byte) (int, error) {
	n, err := r.from.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// plainWriter hides the ReadFrom method of a file, which would mix up read and write errors.
type plainWriter struct{ io.Writer }
