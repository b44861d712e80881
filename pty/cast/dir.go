package cast

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	extension = ".cast"
	// maxFiles limits the recordings in a directory.
	maxFiles = 1000
)

// idPattern matches ids: the start time in UTC, the shell's id, and a number if needed to be unique.
var idPattern = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[a-z0-9]{1,32}(-[0-9]{1,2})?$`)

// ValidID reports whether text can be a recording's id. Nothing else becomes part of a path.
func ValidID(text string) bool { return idPattern.MatchString(text) }

// Dir is a directory of one node's recordings. It is created with the first one. Several processes may share it. Its
// zero value stores nothing: ErrNoDir.
type Dir struct {
	Path     string
	MaxBytes int64 // of all recordings; the oldest make room for new ones
}

// State is the state of a recording.
type State string

// The states of a recording.
const (
	Recording State = "recording" // being written
	Finished  State = "finished"
	Cut       State = "cut off" // its node was killed while writing it
)

// Summary describes a recording.
type Summary struct {
	ID string
	Header
	Bytes    int64
	Duration time.Duration
	State    State
	Reason   string // why it ended; empty while it is being written
}

// root opens the directory, and creates it if requested. Files are accessed only through it, so that no link leads
// outside.
func (d Dir) root(make bool) (*os.Root, error) {
	if d.Path == "" {
		return nil, ErrNoDir
	}
	if make {
		if err := os.MkdirAll(d.Path, 0o700); err != nil {
			return nil, err
		}
	}
	return os.OpenRoot(d.Path)
}

// Check creates the directory, and reports why it cannot store recordings.
func (d Dir) Check() error {
	root, err := d.root(true)
	if err != nil {
		return err
	}
	defer root.Close()
	const probe = ".probe"
	f, err := root.OpenFile(probe, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), root.Remove(probe))
}

// List describes the recordings, newest first. A missing directory has none.
func (d Dir) List() ([]Summary, error) {
	root, err := d.root(false)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoDir) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	defer root.Close()
	files, err := filesOf(root)
	if err != nil {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	var list []Summary
	for _, f := range files {
		s, err := summarize(root, f.id)
		if err != nil {
			continue // removed in the meantime, or not readable
		}
		list = append(list, s)
	}
	slices.Reverse(list)
	return list, nil
}

// Open opens a recording for reading: ErrNotFound. The caller closes it.
func (d Dir) Open(id string) (*os.File, error) {
	root, err := d.rootOf(id)
	if err != nil {
		return nil, fmt.Errorf("open recording %q: %w", id, err)
	}
	defer root.Close()
	f, err := root.Open(id + extension)
	if err != nil {
		return nil, fmt.Errorf("open recording %q: %w", id, notFound(err))
	}
	return f, nil
}

// Remove removes a recording: ErrNotFound, or ErrRecording while it is being written.
func (d Dir) Remove(id string) error {
	root, err := d.rootOf(id)
	if err != nil {
		return fmt.Errorf("remove recording %q: %w", id, err)
	}
	defer root.Close()
	if err := remove(root, id); err != nil {
		return fmt.Errorf("remove recording %q: %w", id, notFound(err))
	}
	return nil
}

// notFound translates the error for a file that is gone.
func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return err
}

// rootOf opens the directory if it contains that recording.
func (d Dir) rootOf(id string) (*os.Root, error) {
	if !ValidID(id) {
		return nil, ErrNotFound
	}
	root, err := d.root(false)
	if err != nil {
		return nil, ErrNotFound
	}
	if info, err := root.Lstat(id + extension); err != nil || !info.Mode().IsRegular() {
		root.Close()
		return nil, ErrNotFound
	}
	return root, nil
}

// remove removes a file unless it is being written.
func remove(root *os.Root, id string) error {
	f, err := root.Open(id + extension)
	if err != nil {
		return err
	}
	defer f.Close()
	if !lock(f, sharedLock) {
		return ErrRecording
	}
	return root.Remove(id + extension)
}

// evict removes the oldest finished recordings until the rest fits into MaxBytes and maxFiles: ErrFull if those being
// written exceed them.
func (d Dir) evict(root *os.Root) error {
	files, err := filesOf(root)
	if err != nil {
		return err
	}
	total, count := int64(0), len(files)
	for _, f := range files {
		total += f.bytes
	}
	for _, f := range files {
		if total <= d.MaxBytes && count <= maxFiles {
			return nil
		}
		if err := remove(root, f.id); err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= f.bytes
			count--
		}
	}
	if total > d.MaxBytes || count > maxFiles {
		return fmt.Errorf("%w (%d MiB)", ErrFull, d.MaxBytes>>20)
	}
	return nil
}

// entry is a file in the directory.
type entry struct {
	id    string
	bytes int64
}

// filesOf lists the recordings, oldest first, and ignores other files.
func filesOf(root *os.Root) ([]entry, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var files []entry
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), extension)
		if !ok || !ValidID(id) || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil {
			files = append(files, entry{id, info.Size()})
		}
	}
	slices.SortFunc(files, func(a, b entry) int { return cmp.Compare(a.id, b.id) })
	return files, nil
}
