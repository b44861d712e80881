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

// tempPrefix begins the names of files that are not whole yet. They are removed
// when a transfer fails; the end of the whole process leaves them.
const tempPrefix = ".convoy-upload-"

// mostNumbers bounds the search for a name that is free.
const maxSuffix = 1000

// mode is a new file's, less the umask.
const mode = 0o644

// Placed says where a file went.
type Stored struct {
	Name  string // the one that was free
	Bytes int64
}

// Put stores at most limit bytes of source in dir, under name or, if there is one
// of that name, under "name (2)" and so on: nothing is ever overwritten, and no
// link followed. The file is there whole or not at all. Puts of the same name at
// the same time get different names.
//
// The error is ErrName, *LimitError, *SourceError or *Error.
func Put(dir, name string, source io.Reader, limit int64) (Stored, error) {
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
		var of *Error
		if errors.As(err, &of) {
			of.Path = filepath.Join(dir, name)
		}
		return Stored{}, err
	}
	return Stored{name, n}, nil
}

// fill writes source into a new file.
func writeTemp(root *os.Root, temp string, source io.Reader, limit int64) (int64, error) {
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return 0, pathError(temp, err)
	}
	in := &sourceReader{from: source}
	n, err := io.Copy(plainWriter{f}, io.LimitReader(in, limit+1))
	closed := f.Close() // some file systems tell only now that there is no room
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

// settle gives the file the first name that is free. A name is taken by making
// the file, which only one can, and then put in its place.
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

// numbered is the n-th name to try: "a.txt", "a (2).txt", "a (3).txt".
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if tar := filepath.Ext(stem); tar == ".tar" && stem != tar {
		stem, ext = strings.TrimSuffix(stem, tar), tar+ext
	}
	if stem == "" || len(ext) > nameBytes/2 { // ".profile" has a name and no ending
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

// sourceReader keeps the error of its source apart from the writer's.
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

// onlyWriter hides that a file can read by itself, which would hide whose an
// error is.
type plainWriter struct{ io.Writer }
