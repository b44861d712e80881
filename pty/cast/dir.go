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
	// maxFiles bounds how many recordings a directory keeps, whatever their size.
	maxFiles = 1000
)

// idPattern is what an id looks like: the time of the start in UTC, the shell's
// id, and a number if that is not enough to tell recordings apart.
var idPattern = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[a-z0-9]{1,32}(-[0-9]{1,2})?$`)

// ValidID reports whether text can be the id of a recording. Nothing else ever
// becomes part of a path.
func ValidID(text string) bool { return idPattern.MatchString(text) }

// Dir is a directory of one node's recordings. It is made when the first one is.
// Several processes may use the same one. Its zero value has no place for any:
// ErrNoDir.
type Dir struct {
	Path     string
	MaxBytes int64 // of all recordings together; the oldest make room for the next
}

// State says how a recording is.
type State string

// The states of a recording.
const (
	Recording State = "recording" // it is being written
	Finished  State = "finished"
	Cut       State = "cut off" // its node was killed while it was written
)

// Summary says what a recording is.
type Summary struct {
	ID string
	Header
	Bytes    int64
	Duration time.Duration
	State    State
	Reason   string // why it ended; empty while it goes on
}

// root opens the directory, and makes it first if that is wanted. Files are
// reached through it alone, so that no link leads out of it.
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

// Check makes the directory, and reports why no recording could be kept in it.
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

// List says what recordings there are, newest first. A directory that was not
// made yet has none.
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
			continue // removed meanwhile, or not ours to read
		}
		list = append(list, s)
	}
	slices.Reverse(list)
	return list, nil
}

// Open opens a recording to be read: ErrNotFound. The caller closes it.
func (d Dir) Open(id string) (*os.File, error) {
	root, err := d.rootOf(id)
	if err != nil {
		return nil, fmt.Errorf("open recording %q: %w", id, err)
	}
	defer root.Close()
	f, err := root.Open(id + extension)
	if err != nil {
		return nil, fmt.Errorf("open recording %q: %w", id, gone(err))
	}
	return f, nil
}

// Remove takes a recording away: ErrNotFound, and ErrRecording while it is being
// written.
func (d Dir) Remove(id string) error {
	root, err := d.rootOf(id)
	if err != nil {
		return fmt.Errorf("remove recording %q: %w", id, err)
	}
	defer root.Close()
	if err := remove(root, id); err != nil {
		return fmt.Errorf("remove recording %q: %w", id, gone(err))
	}
	return nil
}

// gone is ErrNotFound for a recording that somebody has removed since it was looked for.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return err
}

// rootOf opens the directory if it has a recording of that id.
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

// remove takes a file away unless somebody writes it.
func remove(root *os.Root, id string) error {
	f, err := root.Open(id + extension)
	if err != nil {
		return err
	}
	defer f.Close()
	if !lock(f, reading) {
		return ErrRecording
	}
	return root.Remove(id + extension)
}

// makeRoom removes the oldest finished recordings until all together take no
// more than MaxBytes and there are no more than maxFiles: ErrFull if those that
// are being written are too much by themselves.
func (d Dir) makeRoom(root *os.Root) error {
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

// entry is one recording as the directory has it.
type entry struct {
	id    string
	bytes int64
}

// filesOf are the recordings, oldest first. Other files are none of ours.
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
