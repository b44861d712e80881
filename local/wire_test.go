package local

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"convoy/fleet"
)

func noStep(fleet.Step) {}

const sample = `{"name":"convoy@convoy-k3fz.convoy.internal","cookie":"` + cookie + `","more":[1,{}]}` + "\n"

func TestReadChild(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"whole":   strings.NewReader(sample),
		"by byte": iotest.OneByteReader(strings.NewReader(sample)),
	} {
		if got, err := ReadChild(r); err != nil || string(got) != sample {
			t.Errorf("%s: ReadChild() = %q, %v, want %q", name, got, err, sample)
		}
	}
}

// TestReadChild_DoesNotWaitForTheEnd: the pipe stays open.
func TestReadChild_DoesNotWaitForTheEnd(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	go w.Write([]byte(sample)) //nolint:errcheck // then the read fails
	if got, err := ReadChild(r); err != nil || string(got) != sample {
		t.Errorf("ReadChild() = %q, %v", got, err)
	}
}

func TestReadChild_Refuses(t *testing.T) {
	tests := []struct{ name, text string }{
		{"nothing", ""},
		{"an empty line", "\n"},
		{"no object", "null\n"},
		{"a list", "[]\n"},
		{"no end of line", `{"name":"a"}`},
		{"two lines", `{"name":"a"}` + "\n" + `{"name":"b"}` + "\n"},
		{"too much", `{"name":"` + strings.Repeat("a", childBytes) + `"}` + "\n"},
		{"no end at all", strings.Repeat("a", 3*childBytes)},
	}
	for _, test := range tests {
		if got, err := ReadChild(strings.NewReader(test.text)); err == nil {
			t.Errorf("%s: ReadChild() = %q, want an error", test.name, got)
		}
	}
}

func TestReadReady(t *testing.T) {
	got, err := readReady(strings.NewReader(`{"gossip":1,"call":2,"console":3}` + "\n"))
	if want := (Ready{Gossip: 1, Call: 2, Console: 3}); err != nil || got != want {
		t.Errorf("readReady() = %+v, %v, want %+v", got, err, want)
	}
	tests := []struct {
		text string
		want error // nil: any error
	}{
		{"", io.EOF},
		{`{"gossip":1`, io.ErrUnexpectedEOF},
		{"{}\n", errNotReady},
		{`{"gossip":1,"console":3}` + "\n", errNotReady},
		{`{"gossip":-1,"call":2}` + "\n", nil},
		{`{"gossip":65536,"call":2}` + "\n", nil},
		{`{"gossip":"1","call":2}` + "\n", nil},
		{strings.Repeat(" ", 2*readyBytes) + "\n", nil},
	}
	for _, test := range tests {
		if _, err := readReady(strings.NewReader(test.text)); err == nil || (test.want != nil && !errors.Is(err, test.want)) {
			t.Errorf("readReady(%.40q) = %v, want %v", test.text, err, test.want)
		}
	}
}

// FuzzReadChild: what is accepted is one line within the limit.
func FuzzReadChild(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("{\"name\":\"a\",\"dns\":\"\"}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		line, err := ReadChild(bytes.NewReader(b))
		if err != nil {
			return
		}
		if len(b) > childBytes || !bytes.Equal(line, b) || bytes.Count(b, []byte("\n")) != 1 {
			t.Fatalf("accepted %d bytes: %q", len(b), line)
		}
	})
}

func FuzzReadReady(f *testing.F) {
	f.Add([]byte(`{"gossip":1,"call":2,"console":3}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := readReady(bytes.NewReader(b)); err == nil && (len(b) > readyBytes || r.Gossip == 0 || r.Call == 0) {
			t.Fatalf("accepted %d bytes: %+v", len(b), r)
		}
	})
}

func TestTail(t *testing.T) {
	tests := []struct {
		name   string
		writes []string
		want   string
	}{
		{"nothing", nil, ""},
		{"the last line", []string{"one\ntwo\n"}, "two"},
		{"without its end", []string{"one\ntw", "o"}, "two"},
		{"empty lines do not count", []string{"one\n\n \r\n"}, "one"},
		{"Convoy's own error", []string{"convoy: error: no room\nexit\n"}, "no room"},
		{"with its hint", []string{"convoy: error: no room\nconvoy: hint: make some\n"}, "no room (make some)"},
		{"a panic", []string{"x\npanic: at the disco\n\ngoroutine 1 [running]:\nmain.main()\n"}, "at the disco"},
		{"out of memory", []string{"fatal error: runtime: out of memory\n\nstack\n"}, "runtime: out of memory"},
		{"bad letters", []string{"caf\xe9\n"}, "caf\uFFFD"},
		{"a long line", []string{strings.Repeat("x", 5000) + "\n"}, strings.Repeat("x", messageBytes) + "…"},
	}
	for _, test := range tests {
		tail := &tail{onLine: func(string) {}}
		for _, w := range test.writes {
			if n, err := tail.Write([]byte(w)); n != len(w) || err != nil {
				t.Errorf("%s: Write() = %d, %v", test.name, n, err)
			}
		}
		if got := tail.reason(); got != test.want {
			t.Errorf("%s: reason is %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTail_IsBounded(t *testing.T) {
	told := 0
	tail := &tail{onLine: func(string) { told++ }}
	for range 10 * tailLines {
		_, _ = tail.Write([]byte(strings.Repeat("x", 10*tailBytes) + "\n"))
	}
	if told != 10*tailLines || len(tail.lines) != tailLines || len(tail.lines[0]) != tailBytes {
		t.Errorf("passed on %d lines, kept %d of %d bytes", told, len(tail.lines), len(tail.lines[0]))
	}
}
