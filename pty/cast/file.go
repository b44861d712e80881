package cast

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	idTime = "20060102-150405"
	// roomBytes is how much is written between two looks at the room that is left.
	roomBytes = 1 << 20
	// maxReasonBytes bounds what is said of an error: the last line must stay short.
	maxReasonBytes = 200
)

// File is a recording that is being written.
type File struct {
	*Writer
	id   string
	dir  Dir
	root *os.Root
	file *os.File
	size int64 // of the whole lines
	next int64 // the size at which to look for room again
}

// Create begins a recording. It fails with ErrFull if what is being recorded
// already takes all the room.
func (d Dir) Create(h Header) (*File, error) {
	f, err := d.create(h)
	if err != nil {
		return nil, fmt.Errorf("begin a recording: %w", err)
	}
	return f, nil
}

func (d Dir) create(h Header) (*File, error) {
	root, err := d.root(true)
	if err != nil {
		return nil, err
	}
	f := &File{dir: d, root: root, next: d.step()}
	if err := d.makeRoom(root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if err := f.open(h.Started.UTC().Format(idTime) + "-" + h.Shell); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if f.Writer, err = NewWriter(f, h); err != nil {
		return nil, errors.Join(err, root.Remove(f.id+extension), f.close())
	}
	return f, nil
}

// step is how much is written between two looks at the room that is left.
func (d Dir) step() int64 { return min(roomBytes, d.MaxBytes/16+1) }

// open makes a new file of that name, or of that name and a number, and locks it.
func (f *File) open(name string) (err error) {
	f.id = name
	for n := 2; ; n++ {
		if !ValidID(f.id) {
			return fmt.Errorf("%q is no id of a recording", f.id)
		}
		f.file, err = f.root.OpenFile(f.id+extension, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			return unix.Flock(int(f.file.Fd()), writing) // waits for whoever looks at it
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		f.id = fmt.Sprintf("%s-%d", name, n)
	}
}

// ID names the recording in its directory.
func (f *File) ID() string { return f.id }

// Summary says what the recording is while it is being written.
func (f *File) Summary() (Summary, error) { return summarize(f.root, f.id) }

// Write is for the Writer: whole lines, as long as there is room for them.
func (f *File) Write(lines []byte) (int, error) {
	if f.size+int64(len(lines)) >= f.next {
		if err := f.dir.makeRoom(f.root); err != nil {
			return 0, err
		}
		f.next = f.size + int64(len(lines)) + f.dir.step()
	}
	n, err := f.file.Write(lines)
	if err == nil {
		f.size += int64(n)
	}
	return n, err
}

// End ends the recording, and says what became of it. An error that it met is
// the reason, in place of the one given.
func (f *File) End(at time.Time, reason string) (Summary, error) {
	end, err := f.Writer.End(at, reason)
	if err != nil {
		end.Reason = err.Error()
		end.Reason = end.Reason[:min(len(end.Reason), maxReasonBytes)]
		err = errors.Join(err, f.file.Truncate(f.size))
		_, broken := f.file.WriteAt(end.line(), f.size)
		err = errors.Join(err, broken)
	}
	unlock(f.file)
	s, lost := f.Summary()
	return s, errors.Join(err, lost, f.close())
}

func (f *File) close() error { return errors.Join(f.file.Close(), f.root.Close()) }

// Whoever writes a recording holds its lock alone, and whoever looks whether it
// is being written shares it for a moment.
const (
	reading = unix.LOCK_SH
	writing = unix.LOCK_EX
)

// lock takes a file's lock, until the file is closed. It reports false if somebody
// else holds it.
func lock(f *os.File, how int) bool {
	return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) == nil
}

func unlock(f *os.File) { unix.Flock(int(f.Fd()), unix.LOCK_UN) } //nolint:errcheck // closing it does the same
