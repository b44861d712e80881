package cast

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// flushTime is how long an event waits in memory at most.
	flushTime = time.Second
	// flushBytes is how much waits at most before it is written.
	flushBytes = 64 << 10
	// pieceBytes is the most that one event carries. More becomes several.
	pieceBytes = 64 << 10
)

var errEnded = errors.New("recording has ended")

// Writer writes a recording, line by line: what it writes always ends with a whole line. An event is never earlier than
// the one before it, or than the start. It may be used by several goroutines at once. After an error it writes nothing
// more.
type Writer struct {
	mu         sync.Mutex
	out        io.Writer
	began      time.Time
	lines      []byte // what waits to be written
	timer      *time.Timer
	last       int64  // ms from the start to the last event
	part       []byte // the beginning of a letter whose rest has not come
	cols, rows int
	err        error
}

// NewWriter writes the header, at once. A recording that has begun must be ended
// with End.
func NewWriter(out io.Writer, h Header) (*Writer, error) {
	v := wire{Version: 3, Timestamp: float64(h.Started.Unix()), Title: h.Title}
	v.Term.Cols, v.Term.Rows, v.Term.Type = h.Cols, h.Rows, h.Term
	v.Convoy.Node, v.Convoy.Shell, v.Convoy.By = h.Node, h.Shell, h.By
	w := &Writer{out: out, began: h.Started, lines: append(encode(v), '\n'), cols: h.Cols, rows: h.Rows}
	w.timer = time.AfterFunc(time.Hour, func() { w.Flush() }) // its error stays for the next call
	w.timer.Stop()
	return w, w.Flush()
}

// Output writes what was put out. A letter that is cut at the end of b waits for
// its rest; bytes that are no UTF-8 become U+FFFD.
func (w *Writer) Output(at time.Time, b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b = append(w.part, b...)
	n := whole(b)
	w.part = bytes.Clone(b[n:])
	for b = b[:n]; len(b) > 0; b = b[n:] {
		if n = len(b); n > pieceBytes {
			n = whole(b[:pieceBytes])
		}
		w.add(at, Output, string(b[:n]))
	}
	return w.err
}

// Screen writes bytes that draw a screen, whatever was there before. A letter
// that has only begun never gets its rest.
func (w *Writer) Screen(at time.Time, b []byte) error {
	w.mu.Lock()
	w.part = nil
	w.mu.Unlock()
	return w.Output(at, b)
}

// Resize writes that the terminal has another size. The size that it has:
// nothing happens.
func (w *Writer) Resize(at time.Time, cols, rows int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cols != w.cols || rows != w.rows {
		w.cols, w.rows = cols, rows
		w.add(at, Resize, fmt.Sprintf("%dx%d", cols, rows))
	}
	return w.err
}

// Mark writes a marker.
func (w *Writer) Mark(at time.Time, label string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(at, Marker, label)
	return w.err
}

// Exit writes how the program ended.
func (w *Writer) Exit(at time.Time, status int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(at, Exit, fmt.Sprint(status))
	return w.err
}

// Flush writes what waits.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

// End writes the last line and all that waits. It returns the first error that
// the recording met, and how long it is.
func (w *Writer) End(at time.Time, reason string) (End, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	end := End{Seconds: float64(max(at.Sub(w.began).Milliseconds(), w.last)) / 1000, Reason: reason}
	w.lines = append(w.lines, end.line()...)
	err := w.flush()
	w.err = errors.Join(w.err, errEnded)
	return end, err
}

func (e End) line() []byte { return append(append([]byte(endMark), encode(e)...), '\n') }

// add appends an event. The writer is locked.
func (w *Writer) add(at time.Time, code Code, data string) {
	if w.err != nil {
		return
	}
	ms := max(at.Sub(w.began).Milliseconds(), w.last)
	since := ms - w.last
	w.last = ms
	if len(w.lines) == 0 {
		w.timer.Reset(flushTime)
	}
	w.lines = fmt.Appendf(w.lines, `[%d.%03d, %q, `, since/1000, since%1000, code)
	w.lines = append(append(w.lines, encode(data)...), "]\n"...)
	if len(w.lines) >= flushBytes {
		w.flush()
	}
}

// flush writes what waits. The writer is locked.
func (w *Writer) flush() error {
	if len(w.lines) == 0 || w.err != nil {
		return w.err
	}
	_, w.err = w.out.Write(w.lines)
	w.lines = w.lines[:0]
	return w.err
}

// whole is how many bytes of b there are before a letter that is cut at the end.
func whole(b []byte) int {
	for i := len(b) - 1; i >= 0 && i > len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// encode is v as JSON on one line, its text as it is but for what JSON needs.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // texts and numbers always have a form
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
