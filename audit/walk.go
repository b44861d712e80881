package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// walk goes through a log from its beginning and compares each line with the one before.
type walk struct {
	root       *os.Root
	known      []Head
	report     Report
	owned      bool   // nobody else writes
	started    bool   // a file was entered
	name       string // of the file
	line       int    // in it; 0 is the file itself
	last       Head   // of the newest entry so far
	expect     uint64 // the number that comes next
	unanchored bool   // what comes next cannot be compared with last
	broken     []Break
	recorded   map[string]bool // files of which an entry says that the chain is broken there
	partial    []byte          // what stands behind the last whole line of the last file
}

func newWalk(root *os.Root, since ...Head) *walk {
	return &walk{root: root, known: since, last: Head{Hash: origin}, expect: 1, recorded: map[string]bool{}}
}

// fault notes where the chain breaks: the first time in each file.
func (w *walk) fault(reason Reason, format string, args ...any) {
	b := Break{File: w.name, Line: w.line, Reason: reason, Detail: fmt.Sprintf(format, args...)}
	if w.report.Break == nil {
		w.report.Break = &b
	}
	if n := len(w.broken); n == 0 || w.broken[n-1].File != w.name {
		w.broken = append(w.broken, b)
	}
}

// enter begins with a file. Its name says which entry comes next, so that a missing file is told from missing lines.
func (w *walk) enter(f logFile) {
	before := w.name
	w.name, w.line = f.name, 0
	switch {
	case !w.started:
		w.unanchored = f.first != 1 // the oldest files may have been removed
	case f.first < w.expect:
		w.fault(SeqGap, "the file begins with entry %d, and entry %d stands before it", f.first, w.expect-1)
		return // nor do its older lines change what is expected
	case f.first > w.expect && !w.unanchored:
		w.fault(
			Missing,
			"entries %d to %d are not there: a file before this one is missing, or the end of %s",
			w.expect,
			f.first-1,
			before,
		)
		w.unanchored = true
	}
	w.started, w.expect = true, f.first
}

// take compares a whole line, without its newline, and goes on from it.
func (w *walk) take(text []byte) Entry {
	w.line++
	e, err := decode(text)
	if err != nil {
		w.fault(NoEntry, "the line is no entry as Convoy writes them")
		return e
	}
	switch {
	case !e.sealed(text):
		w.fault(Changed, "entry %d was changed: its text does not give its hash", e.Seq)
	case e.Seq != w.expect:
		w.fault(SeqGap, "entry %d stands where entry %d was expected", e.Seq, w.expect)
	case !w.unanchored && e.Prev != w.last.Hash:
		w.fault(PrevDiffers, "entry %d follows another entry %d than the one before it", e.Seq, e.Seq-1)
	}
	w.count(e)
	w.step(e)
	return e
}

// step goes on from an entry. An older one, put in or put twice, changes nothing.
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

// count puts an entry into the report.
func (w *walk) count(e Entry) {
	r := &w.report
	if r.Entries == 0 {
		r.First, r.Before = e.Time, Head{e.Seq - 1, e.Prev}
	}
	r.Entries++
	r.Last = e.Time
	for _, noted := range w.known {
		if noted.Seq == e.Seq && noted.Hash != e.Hash {
			w.fault(HeadDiffers, "another entry %d than this was noted", e.Seq)
		}
	}
}

// file goes through a whole file.
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

// leave looks at how a file ends.
func (w *walk) leave(f logFile, newest bool) {
	if w.line == 0 && len(w.partial) == 0 && (!newest || w.report.Files == 1 && f.first != 1) {
		w.fault(Truncated, "the file is empty")
	}
	if len(w.partial) == 0 || newest && !w.owned && isOpen(w.root) {
		return // whoever writes has not come to the end of the line
	}
	w.line++
	w.fault(Truncated, "the last line has no end")
}

// edges looks at the first and the last line of a file only, and at those at its beginning which say that the chain
// was broken before.
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

// leading takes the first line of a file, and more as long as they say that the chain was broken before.
func (w *walk) leading(in io.Reader) {
	lines := bufio.NewReaderSize(in, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		if err != nil && w.line == 0 {
			w.fault(Truncated, "the file has no whole line")
		}
		if err != nil || w.take(bytes.TrimSuffix(text, newline)).Action != Broken {
			return
		}
	}
}

// lastLine goes on from the last line of a file.
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
	w.line = 0 // how many there are was not counted
	w.fault(Changed, "the last line is not as it was written")
	w.unanchored = true
	return nil
}

var newline = []byte("\n")

// eachLine hands on each whole line without its newline, and returns what stands behind the last one. A line too long
// to be ours comes shortened, but not so much that it could be taken for one.
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

// skipLine passes over the rest of a line.
func skipLine(lines *bufio.Reader) error {
	for {
		if _, err := lines.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
