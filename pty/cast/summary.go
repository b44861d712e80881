package cast

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"
)

const (
	headBytes = 16 << 10 // searched for the header
	tailBytes = 2 << 10  // searched for the last line
)

// summarize describes a file. If its writer was killed, it first adds a last line that says so.
func summarize(root *os.Root, id string) (Summary, error) {
	f, err := root.OpenFile(id+extension, os.O_RDWR, 0)
	if err != nil {
		return Summary{}, err
	}
	defer f.Close()
	s := Summary{ID: id, Header: headOf(f), State: Finished}
	s.Started = startOf(id)
	if !lock(f, sharedLock) {
		s.State = Recording
		s.Duration = max(time.Since(s.Started), 0)
	}
	info, err := f.Stat() // not earlier: it may have grown by its last line
	if err != nil {
		return Summary{}, err
	}
	s.Bytes = info.Size()
	if s.State == Recording {
		return s, nil
	}
	end, ok := endOf(f, s.Bytes)
	if !ok {
		end = repair(f)
	}
	s.Reason = end.Reason
	if end.Cut {
		s.State = Cut
	}
	s.Duration = time.Duration(end.Seconds * float64(time.Second))
	return s, nil
}

// startOf is the time in an id.
func startOf(id string) time.Time {
	t, _ := time.Parse(idTime, id[:len(idTime)]) // an impossible date is zero
	return t
}

// headOf is a file's header, or zero.
func headOf(f *os.File) Header {
	line, _, _ := bytes.Cut(readAt(f, 0, headBytes), []byte("\n"))
	h, _, _ := parseHeader(line)
	return h
}

// endOf is a file's last line, if it has one.
func endOf(f *os.File, size int64) (end End, ok bool) {
	tail := readAt(f, max(0, size-tailBytes), tailBytes)
	tail, whole := bytes.CutSuffix(tail, []byte("\n"))
	line := tail[bytes.LastIndexByte(tail, '\n')+1:]
	text, marked := bytes.CutPrefix(line, []byte(endMark))
	ok = whole && marked && json.Unmarshal(text, &end) == nil && end.Seconds >= 0 && end.Seconds < maxSeconds
	return end, ok
}

func readAt(f *os.File, off int64, n int) []byte {
	b := make([]byte, n)
	n, _ = f.ReadAt(b, off) // short at the end of the file
	return b[:n]
}

// repair reads a recording whose writer was killed, and adds a last line after its complete lines, unless another
// process does. Files that are not recordings stay unchanged.
func repair(f *os.File) End {
	end := End{Cut: true, Reason: "its node ended without warning"}
	r, err := NewReader(io.NewSectionReader(f, 0, 1<<62))
	if err != nil || r.v2 || !lock(f, exclusiveLock) {
		return end
	}
	for err == nil {
		_, err = r.Next()
	}
	end.Seconds = r.at.Seconds()
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return end
	}
	if f.Truncate(r.off) == nil {
		f.WriteAt(end.line(), r.off) //nolint:errcheck // then the next reader repairs it
	}
	return end
}
