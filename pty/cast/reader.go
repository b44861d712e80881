package cast

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// maxLineBytes limits a line of a recording; a longer one is an error.
const maxLineBytes = 4 << 20

// maxSeconds limits the plausible duration of a recording: about thirty years.
const maxSeconds = 1e9

// Reader reads a recording of version 2 or 3.
type Reader struct {
	Header Header

	in   *bufio.Reader
	v2   bool
	at   time.Duration // of the last event
	line []byte
	off  int64 // bytes of complete lines read
}

// NewReader reads the header: ErrFormat if it is unknown.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, 64<<10)}
	line, err := r.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read header: %w", err)
	}
	r.off = int64(len(line))
	r.Header, r.v2, err = parseHeader(line)
	return r, err
}

// parseHeader parses the first line.
func parseHeader(line []byte) (h Header, v2 bool, err error) {
	var v fileHeader
	if err := json.Unmarshal(line, &v); err != nil {
		return h, false, fmt.Errorf("read header: %w", ErrFormat)
	}
	v2 = v.Version == 2
	if v2 {
		v.Term.Cols, v.Term.Rows = v.Width, v.Height
	}
	if (v.Version != 3 && !v2) || !sideValid(v.Term.Cols) || !sideValid(v.Term.Rows) || v.Timestamp < 0 ||
		v.Timestamp > 1e11 {
		return h, false, fmt.Errorf("read header of version %d, %d×%d: %w", v.Version, v.Term.Rows, v.Term.Cols, ErrFormat)
	}
	h = Header{
		Cols:  v.Term.Cols,
		Rows:  v.Term.Rows,
		Term:  v.Term.Type,
		Title: v.Title,
		Node:  v.Convoy.Node,
		Shell: v.Convoy.Shell,
		By:    v.Convoy.By,
	}
	if v.Timestamp > 0 {
		h.Started = time.Unix(int64(v.Timestamp), 0).UTC()
	}
	return h, v2, nil
}

func sideValid(n int) bool { return n >= 1 && n <= maxSide }

// Next reads the next event. The end is io.EOF, or io.ErrUnexpectedEOF if the last line is incomplete. An Event's time
// is never before the previous one's.
func (r *Reader) Next() (Event, error) {
	for {
		line, err := r.next()
		if err == nil {
			r.off += int64(len(line))
		}
		text := bytes.TrimSpace(line)
		if len(text) > 0 && text[0] != '#' {
			event, bad := r.parse(text)
			if bad != nil && err != nil {
				bad = io.ErrUnexpectedEOF
			}
			return event, bad
		}
		if err != nil {
			return Event{}, err
		}
	}
}

// next reads a line with its newline; the last may lack it, and comes with io.EOF.
func (r *Reader) next() ([]byte, error) {
	r.line = r.line[:0]
	for {
		piece, err := r.in.ReadSlice('\n')
		r.line = append(r.line, piece...)
		switch {
		case len(r.line) > maxLineBytes:
			return nil, fmt.Errorf("%w: a line is longer than %d bytes", ErrFormat, maxLineBytes)
		case !errors.Is(err, bufio.ErrBufferFull):
			return r.line, err
		}
	}
}

// parse parses an event.
func (r *Reader) parse(line []byte) (Event, error) {
	var fields []json.RawMessage
	var seconds float64
	var code, data string
	if json.Unmarshal(line, &fields) != nil || len(fields) != 3 || json.Unmarshal(fields[0], &seconds) != nil ||
		json.Unmarshal(fields[1], &code) != nil || json.Unmarshal(fields[2], &data) != nil {
		return Event{}, fmt.Errorf("%w: %.40q is not an event", ErrFormat, line)
	}
	if !r.v2 {
		seconds += r.at.Seconds()
	}
	if math.Abs(seconds) > maxSeconds {
		return Event{}, fmt.Errorf("%w: an event at %g s", ErrFormat, seconds)
	}
	r.at = max(r.at, time.Duration(seconds*float64(time.Second)).Round(time.Microsecond))
	return Event{At: r.at, Code: Code(code), Data: data}, nil
}
