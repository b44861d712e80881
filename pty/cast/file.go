package cast

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	idTime = "20060102-150405"
	// checkBytes is the interval between two checks of the room that is left.
	checkBytes = 1 << 20
	// maxReasonBytes limits an error's text: the last line must stay short.
	maxReasonBytes = 200
)

// File is a recording that is being written.
type File struct {
	*Writer
	id   string
	dir  Dir
	root *os.Root
	file *os.File
	size int64 // of the complete lines
	next int64 // the size at the next check of the room
}

// Create starts a recording. It fails with ErrFull if active recordings already take all the room.
func (d Dir) Create(h Header) (*File, error) {
	f, err := d.create(h)
	if err != nil {
		return nil, fmt.Errorf("start recording: %w", err)
	}
	return f, nil
}

func (d Dir) create(h Header) (*File, error) {
	root, err := d.root(true)
	if err != nil {
		return nil, err
	}
	f := &File{dir: d, root: root, next: d.checkInterval()}
	if err := d.evict(root); err != nil {
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

// Position is how far a recording is written.
type Position struct {
	Size int64         // of the file: whole lines
	Off  int64         // the caller's position, see Writer.OutputUntil
	Last time.Duration // time of the last event
}

// OnSave calls save after each write to the file, with the position that a Continue from there needs. off is the
// position until the first output. save must not call the File.
func (f *File) OnSave(off int64, save func(Position)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = off
	f.saved = func(off int64, last time.Duration) { save(Position{Size: f.size, Off: off, Last: last}) }
	f.saved(off, time.Duration(f.last)*time.Millisecond)
}

// Continue continues a recording whose writer has left or was killed, from a position that OnSave got: what was written
// after it is removed. It fails with ErrNotFound, or if the recording has ended or is shorter.
func (d Dir) Continue(id string, from Position) (*File, error) {
	f, err := d.reopen(id, from)
	if err != nil {
		return nil, fmt.Errorf("continue recording %q: %w", id, err)
	}
	return f, nil
}

func (d Dir) reopen(id string, from Position) (f *File, err error) {
	root, err := d.rootOf(id)
	if err != nil {
		return nil, err
	}
	f = &File{id: id, dir: d, root: root, size: from.Size, next: from.Size + d.checkInterval()}
	if f.file, err = root.OpenFile(id+extension, os.O_RDWR, 0); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if err := unix.Flock(int(f.file.Fd()), exclusiveLock); err != nil { // waits for readers
		return nil, err
	}
	info, err := f.file.Stat()
	if err != nil {
		return nil, err
	}
	h := headOf(f.file)
	end, ended := endOf(f.file, info.Size())
	if info.Size() < from.Size || h.Cols == 0 || ended && !end.Cut {
		return nil, errors.New("it has ended, or is damaged")
	}
	if err := f.file.Truncate(from.Size); err != nil {
		return nil, err
	}
	if _, err := f.file.Seek(from.Size, io.SeekStart); err != nil {
		return nil, err
	}
	f.Writer = newWriter(f, h)
	f.last, f.off = from.Last.Milliseconds(), from.Off
	f.cols, f.rows = 0, 0 // the next Resize is written
	return f, nil
}

// Leave writes what is buffered, and closes the file without its last line: Continue continues the recording.
func (f *File) Leave() error {
	f.mu.Lock()
	err := f.flush()
	f.timer.Stop()
	f.err = errors.Join(f.err, errEnded)
	f.mu.Unlock()
	return errors.Join(err, f.close())
}

// checkInterval is the number of bytes between two checks of the room that is left.
func (d Dir) checkInterval() int64 { return min(checkBytes, d.MaxBytes/16+1) }

// open creates and locks a file with that name, or with that name and a number.
func (f *File) open(name string) (err error) {
	f.id = name
	for n := 2; ; n++ {
		if !ValidID(f.id) {
			return fmt.Errorf("%q is not a recording's id", f.id)
		}
		f.file, err = f.root.OpenFile(f.id+extension, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			return unix.Flock(int(f.file.Fd()), exclusiveLock) // waits for readers
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		f.id = fmt.Sprintf("%s-%d", name, n)
	}
}

// ID returns the recording's id in its directory.
func (f *File) ID() string { return f.id }

// Summary describes the recording while it is being written.
func (f *File) Summary() (Summary, error) { return summarize(f.root, f.id) }

// Write implements io.Writer for Writer: it writes complete lines while there is room.
func (f *File) Write(lines []byte) (int, error) {
	if f.size+int64(len(lines)) >= f.next {
		if err := f.dir.evict(f.root); err != nil {
			return 0, err
		}
		f.next = f.size + int64(len(lines)) + f.dir.checkInterval()
	}
	n, err := f.file.Write(lines)
	if err == nil {
		f.size += int64(n)
	}
	return n, err
}

// End ends the recording and describes it. An error during the recording replaces the reason.
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

// The writer of a recording holds its lock exclusively. To check whether it is being written, others share it briefly.
const (
	sharedLock    = unix.LOCK_SH
	exclusiveLock = unix.LOCK_EX
)

// lock tries to lock a file until it is closed. It returns false if another process holds the lock.
func lock(f *os.File, mode int) bool {
	return unix.Flock(int(f.Fd()), mode|unix.LOCK_NB) == nil
}

func unlock(f *os.File) { unix.Flock(int(f.Fd()), unix.LOCK_UN) } //nolint:errcheck // closing the file does the same
