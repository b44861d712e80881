package cast

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var began = time.Date(2026, 11, 25, 10, 15, 2, 0, time.UTC)

// after is the time ms milliseconds after the start.
func after(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

func header() Header {
	return Header{
		Cols:    80,
		Rows:    24,
		Term:    "xterm-256color",
		Title:   "bash",
		Started: began,
		Node:    "convoy@a.test",
		Shell:   "k3fz9abcde",
		By:      "admin",
	}
}

// events reads a recording to its end.
func events(t testing.TB, in io.Reader) (Header, []Event, error) {
	t.Helper()
	r, err := NewReader(in)
	if err != nil {
		return Header{}, nil, err
	}
	var list []Event
	for {
		e, err := r.Next()
		if err != nil {
			return r.Header, list, err
		}
		list = append(list, e)
	}
}

// output joins the output of a complete file.
func output(t testing.TB, in io.Reader) string {
	t.Helper()
	_, list, err := events(t, in)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("reading ends with %v", err)
	}
	var out strings.Builder
	for _, e := range list {
		if e.Code == Output {
			out.WriteString(e.Data)
		}
	}
	return out.String()
}

// newDir is a directory with limited room, not created yet.
func newDir(t testing.TB, maxBytes int64) Dir {
	return Dir{Path: t.TempDir() + "/recordings", MaxBytes: maxBytes}
}

// begin starts a recording s seconds after began.
func begin(t testing.TB, d Dir, s int) *File {
	t.Helper()
	h := header()
	h.Started = began.Add(time.Duration(s) * time.Second)
	f, err := d.Create(h)
	testkit.Must(t, err)
	t.Cleanup(func() { f.close() })
	return f
}

// one returns the recording with that id.
func one(t testing.TB, d Dir, id string) Summary {
	t.Helper()
	list, err := d.List()
	testkit.Must(t, err)
	for _, s := range list {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no recording %q among %+v", id, list)
	return Summary{}
}

func path(d Dir, id string) string { return d.Path + "/" + id + ".cast" }

func text(t testing.TB, d Dir, id string) string {
	t.Helper()
	b, err := os.ReadFile(path(d, id))
	testkit.Must(t, err)
	return string(b)
}
