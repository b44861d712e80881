package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// walk reads a log from its beginning and compares each line with the previous one.
type walk struct {
	root       *os.Root
	known      []Head
	report     Report
	owned      bool   // no other process writes
	started    bool   // in a file
	name       string // of the file
	line       int    // in the file; 0: the file itself
	last       Head   // newest entry so far
	expect     uint64 // number of the next entry
	unanchored bool   // the next entry cannot be compared with last
	broken     []Break
	recorded   map[string]bool // files with an entry about a break in them
	partial    []byte          // what follows the last complete line of the last file
}

func newWalk(root *os.Root, since ...Head) *walk {
	return &walk{root: root, known: since, last: Head{Hash: origin}, expect: 1, recorded: map[string]bool{}}
}

// fault records a break, only the first in each file.
func (w *walk) fault(reason Reason, format string, args ...any) {
	b := Break{File: w.name, Line: w.line, Reason: reason, Detail: fmt.Sprintf(format, args...)}
	if w.report.Break == nil {
		w.report.Break = &b
	}
	if n := len(w.broken); n == 0 || w.broken[n-1].File != w.name {
		w.broken = append(w.broken, b)
	}
}

// enter begins a file. The number in its name tells a missing file from missing lines.
func (w *walk) enter(f logFile) {
	before := w.name
	w.name, w.line = f.name, 0
	switch {
	case !w.started:
		w.unanchored = f.first != 1 // the oldest files may have been removed
	case f.first < w.expect:
		w.fault(SeqGap, "the file begins with entry %d, after entry %d", f.first, w.expect-1)
		return // nor do its older lines change what is expected
	case f.first > w.expect && !w.unanchored:
		w.fault(Missing, "entries %d to %d are missing: a file before this one, or the end of %s",
			w.expect, f.first-1, before)
		w.unanchored = true
	}
	w.started, w.expect = true, f.first
}

// take compares a complete line, without its newline, and continues from it.
func (w *walk) take(text []byte) Entry {
	w.line++
	e, err := decode(text)
	if err != nil {
		w.fault(NoEntry, "the line is not an entry in Convoy's format")
		return e
	}
	switch {
	case !e.sealed(text):
		w.fault(Changed, "entry %d was changed: its text does not match its hash", e.Seq)
	case e.Seq != w.expect:
		w.fault(SeqGap, "found entry %d, expected entry %d", e.Seq, w.expect)
	case !w.unanchored && e.Prev != w.last.Hash:
		w.fault(PrevDiffers, "entry %d does not follow the entry %d before it", e.Seq, e.Seq-1)
	}
	w.count(e)
	w.step(e)
	return e
}

// step continues from an entry. An older one, inserted or repeated, changes nothing.
func (w *walk) step(e Entry) {
	if e.Seq >= w.expect {
		w.last, w.expect, w.unanchored = e.Head(), e.Seq+1, false
	}
	switch e.Action {
	case Broken:
		w.recorded[e.Target] = true
	case Dropped:
		gone, _, _ := strings.Cut(e.Detail, " ")
		w.report.Dropped = w.report.Dropped || gone == w.report.Before.String()
	}
}

// count adds an entry to the report.
func (w *walk) count(e Entry) {
	r := &w.report
	if r.Entries == 0 {
		r.First, r.Before = e.Time, Head{e.Seq - 1, e.Prev}
	}
	r.Entries++
	r.Last = e.Time
	if e.Action == Lost {
		number, _, _ := strings.Cut(e.Detail, " ")
		n, _ := strconv.Atoi(number) //nolint:errcheck // then it is 0
		r.Lost += n
	}
	for _, noted := range w.known {
		if noted.Seq == e.Seq && noted.Hash != e.Hash {
			w.fault(HeadDiffers, "entry %d differs from its recorded head", e.Seq)
		}
	}
}

// file reads a whole file.
func (w *walk) file(f logFile, newest bool) error {
	w.enter(f)
	in, err := w.root.Open(f.name)
	if err != nil {
		return err
	}
	defer in.Close()
	w.report.Files++
	w.partial, err = eachLine(in, func(text []byte) { w.take(text) })
	if err != nil {
		return fmt.Errorf("read %s: %w", f.name, err)
	}
	w.leave(f, newest)
	return nil
}

// leave checks the end of a file.
func (w *walk) leave(f logFile, newest bool) {
	if w.line == 0 && len(w.partial) == 0 && (!newest || w.report.Files == 1 && f.first != 1) {
		w.fault(Truncated, "the file is empty")
	}
	if len(w.partial) == 0 || newest && !w.owned && isOpen(w.root) {
		return // the writer is in the middle of the line
	}
	w.line++
	w.fault(Truncated, "the last line is incomplete")
}

// edges reads only the first and last line of a file, and the lines at its beginning that record an earlier break.
func (w *walk) edges(f logFile) error {
	w.enter(f)
	in, err := w.root.Open(f.name)
	if err != nil {
		return err
	}
	defer in.Close()
	w.report.Files++
	info, err := in.Stat()
	if err != nil {
		return err
	}
	w.leading(in)
	return w.lastLine(in, info.Size())
}

// leading takes the first line of a file, and more while they record an earlier break.
func (w *walk) leading(in io.Reader) {
	lines := bufio.NewReaderSize(in, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		if err != nil && w.line == 0 {
			w.fault(Truncated, "the file has no complete line")
		}
		if err != nil || w.take(bytes.TrimSuffix(text, newline)).Action != Broken {
			return
		}
	}
}

// lastLine continues from the last line of a file.
func (w *walk) lastLine(in io.ReaderAt, size int64) error {
	last := make([]byte, 1)
	if _, err := in.ReadAt(last, size-1); size > 0 && err != nil {
		return err
	}
	for text, err := range backward(in, size) {
		if err != nil {
			return err
		}
		e, err := decode(text)
		if err == nil && e.sealed(text) && last[0] == '\n' {
			w.step(e)
			return nil
		}
		break
	}
	w.line = 0 // lines were not counted
	w.fault(Changed, "the last line was changed")
	w.unanchored = true
	return nil
}

var newline = []byte("\n")

// eachLine calls do with each complete line, without its newline, and returns what follows the last one. Lines that are
// too long to be entries are truncated, but stay too long.
func eachLine(in io.Reader, do func(text []byte)) (rest []byte, err error) {
	lines := bufio.NewReaderSize(in, maxLine+2)
	for {
		text, err := lines.ReadSlice('\n')
		switch {
		case err == nil:
			do(bytes.TrimSuffix(text, newline))
		case errors.Is(err, io.EOF):
			return bytes.Clone(text), nil
		case errors.Is(err, bufio.ErrBufferFull):
			do(text)
			if err := skipLine(lines); errors.Is(err, io.EOF) {
				return nil, nil
			} else if err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

// skipLine skips the rest of a line.
func skipLine(lines *bufio.Reader) error {
	for {
		if _, err := lines.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
