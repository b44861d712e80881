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
	// flushTime is how long an event stays in memory.
	flushTime = time.Second
	// flushBytes is how much stays in memory.
	flushBytes = 64 << 10
	// maxEventBytes limits one event. More is split.
	maxEventBytes = 64 << 10
)

var errEnded = errors.New("recording has ended")

// Writer writes a recording in complete lines. An event is never earlier than the previous one, or than the start. It
// is safe for concurrent use. After an error it writes nothing more.
type Writer struct {
	mu         sync.Mutex
	out        io.Writer
	began      time.Time
	lines      []byte // not yet written
	timer      *time.Timer
	last       int64  // ms from the start to the last event
	partial    []byte // incomplete UTF-8 sequence at the end
	cols, rows int
	off        int64                               // see OutputUntil
	saved      func(off int64, last time.Duration) // called after lines were written; may be nil
	err        error
}

// NewWriter writes the header immediately. End the recording with End.
func NewWriter(out io.Writer, h Header) (*Writer, error) {
	v := fileHeader{Version: 3, Timestamp: float64(h.Started.Unix()), Title: h.Title}
	v.Term.Cols, v.Term.Rows, v.Term.Type = h.Cols, h.Rows, h.Term
	v.Convoy.Node, v.Convoy.Shell, v.Convoy.By = h.Node, h.Shell, h.By
	w := newWriter(out, h)
	w.lines = append(encode(v), '\n')
	return w, w.Flush()
}

func newWriter(out io.Writer, h Header) *Writer {
	w := &Writer{out: out, began: h.Started, cols: h.Cols, rows: h.Rows}
	w.timer = time.AfterFunc(time.Hour, func() { w.Flush() }) // the next call returns its error
	w.timer.Stop()
	return w
}

// Output writes output. An incomplete UTF-8 sequence at the end of b waits for its rest; invalid bytes become U+FFFD.
func (w *Writer) Output(at time.Time, b []byte) error { return w.OutputUntil(at, b, 0) }

// OutputUntil is Output with the caller's position after b, for File.OnSave.
func (w *Writer) OutputUntil(at time.Time, b []byte, off int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b = append(w.partial, b...)
	n := completeRunes(b)
	w.partial = bytes.Clone(b[n:])
	for b = b[:n]; len(b) > 0; b = b[n:] {
		if n = len(b); n > maxEventBytes {
			n = completeRunes(b[:maxEventBytes])
		}
		w.add(at, Output, string(b[:n]))
	}
	w.off = off - int64(len(w.partial))
	if len(w.lines) >= flushBytes {
		return w.flush()
	}
	return w.err
}

// Screen writes bytes that redraw the screen as it is at the caller's position off. An incomplete sequence is dropped.
func (w *Writer) Screen(at time.Time, b []byte, off int64) error {
	w.mu.Lock()
	w.partial = nil
	w.mu.Unlock()
	return w.OutputUntil(at, b, off)
}

// Resize writes a size, if it has changed.
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

// Exit writes the program's exit status.
func (w *Writer) Exit(at time.Time, status int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(at, Exit, fmt.Sprint(status))
	return w.err
}

// Flush writes buffered events.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

// End writes the last line and all buffered events. It returns the recording's first error, and its duration.
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

// add appends an event. It requires w.mu.
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
}

// flush requires w.mu.
func (w *Writer) flush() error {
	if len(w.lines) == 0 || w.err != nil {
		return w.err
	}
	_, w.err = w.out.Write(w.lines)
	w.lines = w.lines[:0]
	if w.err == nil && w.saved != nil {
		w.saved(w.off, time.Duration(w.last)*time.Millisecond)
	}
	return w.err
}

// completeRunes is the length of b without an incomplete UTF-8 sequence at its end.
func completeRunes(b []byte) int {
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

// encode encodes v as JSON on one line, with minimal escapes.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings and numbers always marshal
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
