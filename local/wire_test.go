package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"convoy/fleet"
)

func noStep(fleet.Step) {}

var sample = Child{
	Name: "convoy@convoy-k3fz.convoy.internal", Cookie: cookie, Token: token,
	Bind: netip.IPv6Loopback(), Query: service, DNS: netip.MustParseAddrPort("[::1]:5353"),
	Poll: 5 * time.Second, Shell: []string{"/bin/sh", "-l"}, Dir: "/", Idle: time.Hour, AuditMax: 1 << 30, AuditAge: time.Hour, MaxUpload: 1 << 20, Runbooks: "/srv/runbooks", Log: "INFO",
	RecordAll: true, Recordings: "/var/recordings", RecordingsMax: 1 << 30,
}

func TestReadChild(t *testing.T) {
	line, err := json.Marshal(sample)
	if err != nil {
		t.Fatal(err)
	}
	line = append(line, '\n')
	for name, r := range map[string]io.Reader{
		"whole":   bytes.NewReader(line),
		"by byte": iotest.OneByteReader(bytes.NewReader(line)),
	} {
		if got, err := ReadChild(r); err != nil || !reflect.DeepEqual(got, sample) {
			t.Errorf("%s: ReadChild() = %+v, %v, want %+v", name, got, err, sample)
		}
	}
}

// TestReadChild_DoesNotWaitForTheEnd: the pipe stays open.
func TestReadChild_DoesNotWaitForTheEnd(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	go w.Write([]byte(`{"name":"convoy@a.x"}` + "\n")) //nolint:errcheck // then the read fails
	if c, err := ReadChild(r); err != nil || c.Name != "convoy@a.x" {
		t.Errorf("ReadChild() = %+v, %v", c, err)
	}
}

func TestReadChild_Refuses(t *testing.T) {
	tests := []struct{ name, text string }{
		{"nothing", ""},
		{"an empty line", "\n"},
		{"no object", "null\n"},
		{"a list", "[]\n"},
		{"half an object", `{"name":"a"` + "\n"},
		{"no end of line", `{"name":"a"}`},
		{"no name", "{}\n"},
		{"an unknown field", `{"name":"a","admin":true}` + "\n"},
		{"a wrong type", `{"name":7}` + "\n"},
		{"a bad address", `{"name":"a","bind":"nowhere"}` + "\n"},
		{"two objects", `{"name":"a"} {"name":"b"}` + "\n"},
		{"two lines", `{"name":"a"}` + "\n" + `{"name":"b"}` + "\n"},
		{"too much", `{"name":"` + strings.Repeat("a", childBytes) + `"}` + "\n"},
		{"no end at all", strings.Repeat("a", 3*childBytes)},
	}
	for _, test := range tests {
		if c, err := ReadChild(strings.NewReader(test.text)); err == nil {
			t.Errorf("%s: ReadChild() = %+v, want an error", test.name, c)
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
		want error // nil: any
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

// FuzzReadChild: what is accepted is one line within the bound, and says the
// same when it is written again.
func FuzzReadChild(f *testing.F) {
	line, err := json.Marshal(sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(line, '\n'))
	f.Add([]byte("{\"name\":\"a\",\"dns\":\"\"}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ReadChild(bytes.NewReader(b))
		if err != nil {
			return
		}
		if len(b) > childBytes || c.Name == "" || bytes.Count(b, []byte("\n")) != 1 {
			t.Fatalf("accepted %d bytes: %+v", len(b), c)
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ReadChild(bytes.NewReader(append(again, '\n')))
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Fatalf("%+v came back as %+v, %v", c, back, err)
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
		tail := &tail{each: func(string) {}}
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
	tail := &tail{each: func(string) { told++ }}
	for range 10 * tailLines {
		_, _ = tail.Write([]byte(strings.Repeat("x", 10*tailBytes) + "\n"))
	}
	if told != 10*tailLines || len(tail.lines) != tailLines || len(tail.lines[0]) != tailBytes {
		t.Errorf("told %d lines, kept %d of %d bytes", told, len(tail.lines), len(tail.lines[0]))
	}
}
