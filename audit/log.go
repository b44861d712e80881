package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// maxBehind is how many entries of AppendSoon may wait for the disk.
const maxBehind = 256

// Config configures a log.
type Config struct {
	Dir      string
	MaxBytes int64            // of a file; default 8 MiB
	MaxTotal int64            // of all files; the oldest are removed; 0: no limit
	MaxAge   time.Duration    // of entries, precise to an eighth of it; older files are removed; 0: no limit
	Node     string           // of entries without a node
	Now      func() time.Time // default time.Now
	Log      *slog.Logger     // for errors that no caller gets; default none
}

// Log is an open log. It is safe for concurrent use.
type Log struct {
	cfg Config
	dir *os.File // the directory, locked

	mu     sync.Mutex // guards these
	root   *os.Root   // changes once: nil until OpenLater's log is open; the holder of commit may read it
	head   Head       // newest entry that is safely on disk
	queue  []*request
	closed bool

	// commit is held by the writer, and guards what follows. Its holder writes everything that is queued, so that one
	// fsync serves all who waited for the previous one.
	commit  sync.Mutex
	file    *os.File
	name    string
	size    int64     // of the lines that are safely on disk
	dirty   bool      // there may be bytes after them
	created time.Time // of the file
	checked time.Time // last check for files to remove; zero: due

	removing bool     // the check is in progress
	pending  []Entry  // own entries, not yet written
	lost     lost     // entries that could not be written, not yet recorded
	note     *os.File // has lost; nil: only the memory has it

	tried  time.Time // when opening was tried last
	failed error     // its error
}

// lost counts entries that could not be written.
type lost struct {
	count       int
	first, last time.Time
	reason      error
}

// request is an entry in the queue. Log.commit guards it.
type request struct {
	entry Entry
	err   error
	done  bool
}

// Append writes an entry, and returns the written entry when it is safely on disk. Texts are made valid UTF-8; a Detail
// longer than 4096 bytes, or another text longer than 256, is truncated and ends with "… (cut)". After an error the
// entry is not in the log, and the next Append may succeed; it then also records how many were lost.
func (l *Log) Append(e Entry) (Entry, error) {
	r := &request{entry: e}
	if err := l.enqueue(r); err != nil {
		return Entry{}, fmt.Errorf("append to the audit log: %w", err)
	}
	return l.await(r)
}

// AppendSoon is Append without waiting, unless the disk is far behind: the entry has its place in the log, and is
// written in the background, even if Close is called. Tail waits for it. failed is called if it cannot be written.
func (l *Log) AppendSoon(e Entry, failed func(error)) {
	r := &request{entry: e}
	if err := l.enqueue(r); err != nil {
		failed(fmt.Errorf("append to the audit log: %w", err))
		return
	}
	write := func() {
		if _, err := l.await(r); err != nil {
			failed(err)
		}
	}
	if l.queued() > maxBehind {
		write()
		return
	}
	go write() // ends when the entry is written
}

// await waits until a request from the queue is written, or writes it.
func (l *Log) await(r *request) (Entry, error) {
	l.commit.Lock()
	defer l.commit.Unlock()
	if !r.done {
		l.commitQueue() //nolint:errcheck // r.err has it
	}
	if r.err != nil {
		return Entry{}, fmt.Errorf("append to the audit log: %w", r.err)
	}
	return r.entry, nil
}

// flush waits until everything that is queued now is written.
func (l *Log) flush() {
	l.commit.Lock()
	defer l.commit.Unlock()
	if l.queued() > 0 {
		l.commitQueue() //nolint:errcheck // its requests have the error
	}
}

func (l *Log) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

func (l *Log) enqueue(r *request) error {
	if !slices.Contains([]string{OK, Refused, Failed}, r.entry.Result) {
		return ErrResult
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.queue = append(l.queue, r)
	return nil
}

// Head returns the head of the newest entry that is safely on disk. If you record it elsewhere, Verify can detect
// changes that the files alone do not show.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Close writes what is queued, and closes the log.
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
	err := l.commitQueue()
	if l.root == nil {
		return err
	}
	return errors.Join(err, l.closeLost(), l.file.Close(), unlockDir(l.dir), l.root.Close())
}

// commitQueue writes what is queued, the log's own entries first. It returns an error that affected all of them.
// l.commit must be held.
func (l *Log) commitQueue() error {
	l.mu.Lock()
	batch := l.queue
	l.queue = nil
	l.mu.Unlock()
	err := l.openAgain()
	if err == nil {
		err = l.checkFile()
	}
	if err == nil {
		err = l.writePending()
	}
	for len(batch) > 0 {
		n := len(batch)
		if err == nil {
			n, err = l.writeSome(batch)
		}
		for _, r := range batch[:n] {
			if r.err, r.done = err, true; err != nil {
				l.countLost(r.entry, err)
			}
		}
		batch = batch[n:]
	}
	return err
}

// writePending writes the log's own entries.
func (l *Log) writePending() error {
	for len(l.pending) > 0 {
		if _, err := l.writeSome([]*request{{entry: l.pending[0]}}); err != nil {
			return err
		}
		l.pending = l.pending[1:]
	}
	if l.lost.count == 0 {
		return nil
	}
	detail := fmt.Sprintf("%d from %s to %s: %v", l.lost.count,
		l.lost.first.UTC().Format(time.RFC3339), l.lost.last.UTC().Format(time.RFC3339), l.lost.reason)
	_, err := l.writeSome([]*request{{entry: Entry{Action: Lost, Target: l.cfg.Node, Result: Failed, Detail: detail}}})
	if err == nil {
		l.lost = lost{}
		l.noteLost()
	}
	return err
}

// countLost counts an entry that could not be written.
func (l *Log) countLost(e Entry, reason error) {
	at := l.finish(e).Time
	if l.lost.count == 0 {
		l.lost.first = at
	}
	l.lost.count++
	l.lost.last, l.lost.reason = at, reason
	if file, ok := errors.AsType[*fs.PathError](reason); ok {
		l.lost.reason = file.Err
	}
	l.noteLost()
}

// recordOwn queues an entry of the log itself, to be written before any other.
func (l *Log) recordOwn(action, target, detail string) {
	l.cfg.Log.Warn("audit log", "action", action, "file", target, "detail", detail)
	l.pending = append(l.pending, Entry{Action: action, Target: target, Result: OK, Detail: detail})
}

// writeSome writes as many requests as fit into one file, at least one, and returns how many.
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

// finish fills in the fields that an entry leaves empty.
func (l *Log) finish(e Entry) Entry {
	if year := e.Time.UTC().Year(); e.Time.IsZero() || year < 1 || year > 9999 {
		e.Time = l.cfg.Now()
	}
	e.Node = cmp.Or(e.Node, l.cfg.Node)
	return e.clean()
}

// write writes and syncs lines, all of them or none.
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

// truncateTail removes what a failed write has left. If that fails as well, it is tried again before the next write.
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

// checkFile makes sure that lines can be appended to the file: that nothing follows the last one, and that the file was
// not removed or changed. Otherwise the log continues in a new file, and records that there.
func (l *Log) checkFile() error {
	if err := l.truncateTail(); err != nil {
		return err
	}
	problem := l.tampering()
	if problem == "" {
		return nil
	}
	damaged := l.name
	if err := l.newFile(l.Head().Seq + 1); err != nil {
		return fmt.Errorf("%s %s: %w", damaged, problem, err)
	}
	l.recordOwn(Broken, damaged, "the file "+problem+" while it was written")
	return nil
}

// tampering returns what someone else did to the current file; "" if nothing.
func (l *Log) tampering() string {
	own, err := l.file.Stat()
	if err != nil {
		return "cannot be read" // nor written, so try the next one
	}
	named, err := l.root.Lstat(l.name)
	switch {
	case err != nil || !os.SameFile(own, named):
		return "was removed or replaced"
	case own.Size() != l.size:
		return fmt.Sprintf("had %d bytes instead of %d", own.Size(), l.size)
	}
	return ""
}
