package audit

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// Config says where a log is kept, and how.
type Config struct {
	Dir      string
	MaxBytes int64            // of a file; default 8 MiB
	Keep     int              // files; the oldest are removed; 0 keeps all
	MaxTotal int64            // of all files together; the oldest are removed; 0: any
	MaxAge   time.Duration    // of entries, give or take an eighth of it; older files are removed; 0: any
	Node     string           // stands in entries that name no node
	Now      func() time.Time // default time.Now
	Log      *slog.Logger     // of trouble that is no caller's; default none
}

// Log is an open log. It may be used by several goroutines at once.
type Log struct {
	cfg  Config
	root *os.Root
	dir  *os.File // the directory, locked

	mu     sync.Mutex // of these four
	head   Head       // of the newest entry that is safe on the disk
	queue  []*request
	closed bool

	// commit is held by whoever writes, and guards what follows. Whoever gets it writes all that waits, so that one
	// fsync serves everybody who came while the one before it ran.
	commit  sync.Mutex
	file    *os.File
	name    string
	size    int64     // of the lines that are safe on the disk
	dirty   bool      // more may stand behind them
	created time.Time // the file was
	checked time.Time // when files that are too many were last looked for; zero: they have to be

	removing bool    // it is being looked for
	pending  []Entry // of the log's own, not yet written
}

// request is an entry that waits to be written. Log.commit guards it.
type request struct {
	entry Entry
	err   error
	done  bool
}

// Append writes an entry, and returns it as it was written once it is safe on the disk. Texts are made valid UTF-8; a
// Detail longer than 4096 bytes, or another text longer than 256, is cut and ends with "… (cut)". After an error the
// entry is not in the log, and the next Append may succeed.
func (l *Log) Append(e Entry) (Entry, error) {
	if !slices.Contains([]string{OK, Refused, Failed}, e.Result) {
		return Entry{}, fmt.Errorf("append to the audit log: %w", ErrResult)
	}
	r := &request{entry: e}
	if err := l.enqueue(r); err != nil {
		return Entry{}, fmt.Errorf("append to the audit log: %w", err)
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	if !r.done {
		l.commitQueue() //nolint:errcheck // it is in r, too
	}
	if r.err != nil {
		return Entry{}, fmt.Errorf("append to the audit log: %w", r.err)
	}
	return r.entry, nil
}

func (l *Log) enqueue(r *request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.queue = append(l.queue, r)
	return nil
}

// Head names the newest entry that is safe on the disk. Noted elsewhere, it lets Verify find what cannot be seen from
// the files alone.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Close writes what waits, and closes the log.
func (l *Log) Close() error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	if again {
		return nil
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	return errors.Join(l.commitQueue(), l.file.Close(), unlockDir(l.dir), l.root.Close())
}

// commitQueue writes all that waits, the log's own entries first. It is called with commit held, and
// returns an error that all of them met.
func (l *Log) commitQueue() error {
	l.mu.Lock()
	batch := l.queue
	l.queue = nil
	l.mu.Unlock()
	err := l.checkFile()
	if err == nil {
		err = l.writePending()
	}
	for len(batch) > 0 {
		n := len(batch)
		if err == nil {
			n, err = l.writeSome(batch)
		}
		for _, r := range batch[:n] {
			r.err, r.done = err, true
		}
		batch = batch[n:]
	}
	return err
}

// payOwed writes entries of the log's own.
func (l *Log) writePending() error {
	for len(l.pending) > 0 {
		if _, err := l.writeSome([]*request{{entry: l.pending[0]}}); err != nil {
			return err
		}
		l.pending = l.pending[1:]
	}
	return nil
}

// owe has the log write an entry of its own before any other.
func (l *Log) recordOwn(action, target, detail string) {
	l.cfg.Log.Warn("audit log", "action", action, "file", target, "detail", detail)
	l.pending = append(l.pending, Entry{Action: action, Target: target, Result: OK, Detail: detail})
}

// writeSome writes as many requests as have room in one file, at least one, and says how many.
func (l *Log) writeSome(batch []*request) (n int, err error) {
	var lines []byte
	head := l.Head()
	for ; n < len(batch); n++ {
		if head.Seq >= maxSeq {
			return len(batch), errFull
		}
		e, more := l.finish(batch[n].entry).seal(head, lines)
		if l.size > 0 || n > 0 {
			if full := l.isFull(len(more)); full && n > 0 {
				break
			} else if full {
				l.rotate(e.Seq)
			}
		}
		batch[n].entry, lines, head = e, more, e.Head()
	}
	if err := l.write(lines); err != nil {
		return n, err
	}
	l.mu.Lock()
	l.head = head
	l.mu.Unlock()
	l.removeOldest()
	return n, nil
}

// finish fills what an entry leaves out.
func (l *Log) finish(e Entry) Entry {
	if year := e.Time.UTC().Year(); e.Time.IsZero() || year < 1 || year > 9999 {
		e.Time = l.cfg.Now()
	}
	if e.Node == "" {
		e.Node = l.cfg.Node
	}
	return e.clean()
}

// write puts lines on the disk, all of them or none.
func (l *Log) write(lines []byte) error {
	_, err := l.file.Write(lines)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		l.dirty = true
		return errors.Join(err, l.truncateTail())
	}
	l.size += int64(len(lines))
	return nil
}

// cut takes away what a failed write has left. If even that fails, it is tried again before the next write.
func (l *Log) truncateTail() error {
	if !l.dirty {
		return nil
	}
	if err := l.file.Truncate(l.size); err != nil {
		return err
	}
	l.dirty = false
	return nil
}

// mend makes sure that lines can be appended to the file: that nothing stands behind the last one, and that nobody has
// removed or changed the file meanwhile. If somebody has, the log goes on in another file, and says so there.
func (l *Log) checkFile() error {
	if err := l.truncateTail(); err != nil {
		return err
	}
	harm := l.tampering()
	if harm == "" {
		return nil
	}
	harmed := l.name
	if err := l.newFile(l.Head().Seq + 1); err != nil {
		return fmt.Errorf("%s %s: %w", harmed, harm, err)
	}
	l.recordOwn(Broken, harmed, "the file "+harm+" while it was written")
	return nil
}

// harm says what somebody else did to the file that is being written; empty if nothing.
func (l *Log) tampering() string {
	own, err := l.file.Stat()
	if err != nil {
		return "cannot be looked at" // nor written, so the next one is tried
	}
	named, err := l.root.Lstat(l.name)
	switch {
	case err != nil || !os.SameFile(own, named):
		return "was removed or replaced"
	case own.Size() != l.size:
		return fmt.Sprintf("had %d bytes in place of %d", own.Size(), l.size)
	}
	return ""
}
