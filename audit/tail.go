package audit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
)

// blockBytes is how much of a file is read at once.
const blockBytes = 64 << 10

// Tail returns up to n entries that pass a filter, the newest first; a nil filter passes all. It reads files from their
// end, and no more than it needs. It returns only entries that are safely on disk, skips lines that are not entries,
// and does not check hashes. After an error it returns what it has read, and logs the error to Config.Log.
func (l *Log) Tail(n int, filter func(Entry) bool) []Entry {
	l.flush()
	head, root := l.Head(), l.opened()
	if root == nil {
		return nil
	}
	list, err := tail(root, n, func(e Entry) bool { return e.Seq <= head.Seq && (filter == nil || filter(e)) })
	if err != nil {
		l.cfg.Log.Warn("cannot read the audit log", "dir", l.cfg.Dir, "error", err)
	}
	return list
}

// Tail is like Log.Tail, for a directory whose log may be open elsewhere, or not at all: ErrNone.
func Tail(dir string, n int, filter func(Entry) bool) ([]Entry, error) {
	root, err := openDir(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return tail(root, n, filter)
}

func tail(root *os.Root, n int, filter func(Entry) bool) (list []Entry, err error) {
	files, err := filesOf(root)
	if err == nil && len(files) == 0 {
		err = ErrNone
	}
	for _, f := range slices.Backward(files) {
		if len(list) >= n || err != nil {
			break
		}
		list, err = tailFile(root, f, n, filter, list)
	}
	return list, err
}

// tailFile appends the entries of one file. A file that was just removed has none.
func tailFile(root *os.Root, f logFile, n int, filter func(Entry) bool, list []Entry) ([]Entry, error) {
	in, err := root.Open(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		return list, nil
	}
	if err != nil {
		return list, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return list, err
	}
	for text, err := range backward(in, info.Size()) {
		if err != nil || len(list) >= n {
			return list, err
		}
		if e, err := decode(text); err == nil && (filter == nil || filter(e)) {
			list = append(list, e)
		}
	}
	return list, nil
}

// backward yields the complete lines of a file without their newlines, the last one first. A line is valid until the
// next one. Lines that are too long to be entries are truncated, but stay too long.
func backward(in io.ReaderAt, size int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var rest []byte // end of a line that begins in the previous block
		whole := false  // a newline follows rest
		for size > 0 {
			block := make([]byte, min(blockBytes, size), min(blockBytes, size)+int64(len(rest)))
			size -= int64(len(block))
			if _, err := in.ReadAt(block, size); err != nil {
				yield(nil, err)
				return
			}
			rest = append(block, rest...)
			for i := bytes.LastIndexByte(rest, '\n'); i >= 0; i = bytes.LastIndexByte(rest, '\n') {
				if whole && !yield(rest[i+1:], nil) {
					return
				}
				rest, whole = rest[:i], true
			}
			rest = rest[:min(len(rest), maxLine+1)]
		}
		if whole {
			yield(rest, nil)
		}
	}
}
