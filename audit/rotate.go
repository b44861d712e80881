package audit

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"time"
)

// checkInterval is the time between two checks for old files. MaxAge is divided into ageParts, with at least one file
// each.
const (
	checkInterval = time.Hour
	ageParts      = 8
)

// isFull reports whether more bytes need a new file: because of the size of this one, or so that old entries are not
// kept because of new ones in the same file.
func (l *Log) isFull(more int) bool {
	old := l.cfg.MaxAge > 0 && l.cfg.Now().Sub(l.created) > l.cfg.MaxAge/ageParts
	return old || l.size+int64(more) > l.cfg.MaxBytes
}

// newFile continues in a new file, for entries from that number on.
func (l *Log) newFile(first uint64) error {
	now := l.cfg.Now()
	file, name, err := create(l.root, l.dir, first, now)
	if err != nil {
		return err
	}
	if l.file != nil {
		if err := l.file.Close(); err != nil { // everything is on disk already
			l.cfg.Log.Warn("audit log: cannot close file", "file", l.name, "error", err)
		}
	}
	l.file, l.name, l.size, l.dirty, l.created, l.checked = file, name, 0, false, now, time.Time{}
	return nil
}

// rotate continues in a new file because this one is full. If that fails, this one grows: an entry matters more than a
// limit.
func (l *Log) rotate(first uint64) {
	if err := l.newFile(first); err != nil {
		l.cfg.Log.Warn("audit log: cannot create a file", "dir", l.cfg.Dir, "error", err)
	}
}

// removeOldest removes files beyond the limits of size and age. The newest file must have a line, which names the entry
// before it.
func (l *Log) removeOldest() {
	now := l.cfg.Now()
	if l.cfg.MaxTotal <= 0 && l.cfg.MaxAge <= 0 || l.removing || now.Sub(l.checked) < checkInterval {
		return
	}
	l.removing, l.checked = true, now
	defer func() { l.removing = false }()
	files, err := filesOf(l.root)
	if err == nil {
		err = l.remove(files, l.expired(files, now))
	}
	if err != nil {
		l.cfg.Log.Warn("audit log: cannot remove old files", "dir", l.cfg.Dir, "error", err)
	}
}

// expired returns how many of the oldest files are beyond the limits. The current one stays.
func (l *Log) expired(files []logFile, now time.Time) (gone int) {
	room := l.cfg.MaxTotal - l.cfg.MaxBytes // the current file needs room to grow
	for i := len(files) - 2; i >= 0; i-- {
		if room -= l.sizeOf(files[i]); l.cfg.MaxTotal > 0 && room < 0 {
			gone = max(gone, i+1)
		}
		if l.cfg.MaxAge > 0 && now.Sub(l.lastTime(files[i], files[i+1])) > l.cfg.MaxAge {
			gone = max(gone, i+1)
		}
	}
	return max(0, min(gone, len(files)-1))
}

func (l *Log) sizeOf(f logFile) int64 {
	info, err := l.root.Stat(f.name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// lastTime returns the time of a file's last entry; without entries, the creation time of the next file.
func (l *Log) lastTime(f, next logFile) time.Time {
	last, err := tailFile(l.root, f, 1, nil, nil)
	if err != nil || len(last) == 0 {
		return createdAt(next.name)
	}
	return last[0].Time
}

// remove records that the first n files go, and removes them. After a crash in between it does so again.
func (l *Log) remove(files []logFile, n int) error {
	if n == 0 {
		return nil
	}
	head, err := headBefore(l.root, files[n])
	if err != nil {
		return err
	}
	detail := fmt.Sprintf("%v is the last entry of %s that the log removed because of its size or age",
		head, count(n, "file", "files"))
	entry := Entry{Action: Dropped, Target: files[n-1].name, Result: OK, Detail: detail}
	if _, err := l.writeSome([]*request{{entry: entry}}); err != nil {
		return err
	}
	for _, f := range files[:n] {
		if err := l.root.Remove(f.name); err != nil {
			return err
		}
	}
	l.cfg.Log.Info("audit log: old files removed", "files", n, "last", files[n-1].name)
	return nil
}

// headBefore returns the head of the entry before a file's first one.
func headBefore(root *os.Root, f logFile) (Head, error) {
	in, err := root.Open(f.name)
	if err != nil {
		return Head{}, err
	}
	defer in.Close()
	text, err := bufio.NewReaderSize(in, maxLine).ReadSlice('\n')
	if err != nil {
		return Head{}, fmt.Errorf("read %s: %w", f.name, err)
	}
	e, err := decode(bytes.TrimSuffix(text, newline))
	return Head{e.Seq - 1, e.Prev}, err
}

// Since returns the time of the oldest entry; zero if there is none.
func (l *Log) Since() time.Time {
	root := l.opened()
	if root == nil {
		return time.Time{}
	}
	files, err := filesOf(root)
	if err != nil || len(files) == 0 {
		return time.Time{}
	}
	return createdAt(files[0].name)
}
