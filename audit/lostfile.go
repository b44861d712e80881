package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"time"
)

// lostFile notes the entries that could not be written, for a log that is opened again before they are recorded. It
// always has lostBytes bytes, so that writing it on a full disk needs no space.
const (
	lostFile  = "lost"
	lostBytes = 512
)

// lostNote is the content of lostFile.
type lostNote struct {
	Count  int       `json:"count"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Reason string    `json:"reason"`
}

// openLost reads what the log could not record when it was open before. Without the file, a restart forgets that.
func (l *Log) openLost() {
	file, err := l.root.OpenFile(lostFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	l.note = file
	text := make([]byte, lostBytes)
	n, _ := file.ReadAt(text, 0) //nolint:errcheck // a shorter file is not one of ours
	var was lostNote
	if json.Unmarshal(bytes.TrimRight(text[:n], " "), &was) == nil && was.Count > 0 {
		l.lost = lost{was.Count, was.First, was.Last, errors.New(was.Reason)}
		return
	}
	l.noteLost()
}

// noteLost writes what is lost to the file, if possible.
func (l *Log) noteLost() {
	if l.note == nil {
		return
	}
	now := lostNote{Count: l.lost.count, First: l.lost.first, Last: l.lost.last}
	if l.lost.reason != nil {
		now.Reason = l.lost.reason.Error()
		now.Reason = now.Reason[:min(len(now.Reason), lostBytes/4)]
	}
	text, err := json.Marshal(now)
	if err != nil || len(text) > lostBytes {
		return
	}
	text = append(text, bytes.Repeat([]byte(" "), lostBytes-len(text))...)
	if _, err := l.note.WriteAt(text, 0); err == nil {
		l.note.Sync() //nolint:errcheck // the note is only help
	}
}

func (l *Log) closeLost() error {
	if l.note == nil {
		return nil
	}
	return l.note.Close()
}
