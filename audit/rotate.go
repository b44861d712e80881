package audit

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"time"
)

// agedEvery is the time between two looks for files that have become too old. ageParts is into how many parts, at most
// a file each, the greatest age is divided.
const (
	checkInterval = time.Hour
	ageParts      = 8
)

// isFull reports whether more bytes begin a new file: for the size of this one, or so that what grows old is not kept
// by what does not.
func (l *Log) isFull(more int) bool {
	old := l.cfg.MaxAge > 0 && l.cfg.Now().Sub(l.created) > l.cfg.MaxAge/ageParts
	return old || l.size+int64(more) > l.cfg.MaxBytes
}

// next goes on in a new file, whose first entry will have that number.
func (l *Log) newFile(first uint64) error {
	now := l.cfg.Now()
	file, name, err := create(l.root, l.dir, first, now)
	if err != nil {
		return err
	}
	if l.file != nil {
		if err := l.file.Close(); err != nil { // all of it is on the disk
			l.cfg.Log.Warn("audit log: file cannot be closed", "file", l.name, "error", err)
		}
	}
	l.file, l.name, l.size, l.dirty, l.created, l.checked = file, name, 0, false, now, time.Time{}
	return nil
}

// rotate goes on in a new file because this one is full. If none can be made, this one grows: an entry is worth more
// than a limit.
func (l *Log) rotate(first uint64) {
	if err := l.newFile(first); err != nil {
		l.cfg.Log.Warn("audit log: no new file can be made", "dir", l.cfg.Dir, "error", err)
	}
}

// removeOldest removes the files that are too many, too large together or too old. It is called when the newest one has
// a line, which names what went before it.
func (l *Log) removeOldest() {
	now := l.cfg.Now()
	if l.cfg.Keep <= 0 && l.cfg.MaxTotal <= 0 && l.cfg.MaxAge <= 0 || l.removing || now.Sub(l.checked) < checkInterval {
		return
	}
	l.removing, l.checked = true, now
	defer func() { l.removing = false }()
	files, err := filesOf(l.root)
	if err == nil {
		err = l.remove(files, l.expired(files, now))
	}
	if err != nil {
		l.cfg.Log.Warn("audit log: old files cannot be removed", "dir", l.cfg.Dir, "error", err)
	}
}

// tooMany is how many of the files, the oldest, are beyond what is kept. The one that is written stays.
func (l *Log) expired(files []logFile, now time.Time) (gone int) {
	if l.cfg.Keep > 0 {
		gone = len(files) - l.cfg.Keep
	}
	room := l.cfg.MaxTotal - l.cfg.MaxBytes // the newest has to have room to grow
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

// lastTime is the time of a file's last entry; of one that has none, when the next file was begun.
func (l *Log) lastTime(f, next logFile) time.Time {
	last, err := tailFile(l.root, f, 1, nil, nil)
	if err != nil || len(last) == 0 {
		return createdAt(next.name)
	}
	return last[0].Time
}

// remove has the log say that the first of the files go, and removes them: after a crash in between they are there, and
// go again.
func (l *Log) remove(files []logFile, n int) error {
	if n == 0 {
		return nil
	}
	head, err := headBefore(l.root, files[n])
	if err != nil {
		return err
	}
	said := fmt.Sprintf(
		"%v is the last entry of %s that went, for the size or the age of the log",
		head,
		count(n, "file", "files"),
	)
	if _, err := l.writeSome(
		[]*request{{entry: Entry{Action: Dropped, Target: files[n-1].name, Result: OK, Detail: said}}},
	); err != nil {
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

// headBefore names the entry that the first one of a file follows.
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

// Since is the time of the oldest entry that is kept; zero if there is none.
func (l *Log) Since() time.Time {
	files, err := filesOf(l.root)
	if err != nil || len(files) == 0 {
		return time.Time{}
	}
	return createdAt(files[0].name)
}
