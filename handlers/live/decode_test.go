package live

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"convoy/pty"
)

func TestViewerOf_Names(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		strings.Repeat("a", 16): true, strings.Repeat("Z", 64): true, "AZaz09-_AZaz09-_": true,
		"": false, strings.Repeat("a", 15): false, strings.Repeat("a", 65): false,
		"aaaaaaaa+aaaaaaaa": false, "aaaaaaaa.aaaaaaaa": false, "aaaaaaaa/aaaaaaaa": false, "aaaaaaaaäaaaaaaaa": false,
		"aaaaaaaaaaaaaaaa\n": false, " aaaaaaaaaaaaaaaa": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/?viewer="+url.QueryEscape(name), nil)
		if got, err := ViewerOf(r); (err == nil) != ok || ok && got != name {
			t.Errorf("viewer %q is %q, %v", name, got, err)
		}
	}
}

func TestFramesComeBack(t *testing.T) {
	t.Parallel()
	events := []pty.Event{
		{Kind: pty.Reset, Off: 17},
		{Kind: pty.Reset, Off: 17, Bytes: []byte("\x18\x1bcscreen")},
		{Kind: pty.Resize, Off: 17, Size: pty.Size{Rows: 24, Cols: 1000}},
		{Kind: pty.Output, Off: 17, Bytes: []byte("hello\x00\xff")},
		{Kind: pty.Exited, Off: 24, Exit: pty.Exit{Code: -1, Signal: "SIGKILL"}},
		{Kind: pty.Exited, Off: 24, Exit: pty.Exit{Code: 3}},
		{Kind: pty.Stalled, Off: 24},
		{
			Kind: pty.Present,
			Off:  24,
			Presence: pty.Presence{
				You:     2,
				Count:   1,
				Owner:   2,
				Pinned:  true,
				Viewers: []pty.Participant{{Number: 2, Name: "Ada <b>", Types: true, Typing: true}},
			},
		},
	}
	var wire []byte
	for _, e := range events {
		wire = AppendFrame(wire, e)
	}
	in := bufio.NewReader(bytes.NewReader(wire))
	for _, want := range events {
		got, err := readFrame(in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if _, err := readFrame(in); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(AppendFrame(nil, pty.Event{Kind: pty.Output, Bytes: []byte("x")}))
	f.Add(AppendFrame(nil, pty.Event{Kind: pty.Exited, Exit: pty.Exit{Signal: "SIGHUP"}}))
	f.Add(
		AppendFrame(
			nil, pty.Event{Kind: pty.Present, Presence: pty.Presence{Viewers: []pty.Participant{{Number: 1, Name: "é"}}}},
		),
	)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, wire []byte) {
		in := bufio.NewReader(bytes.NewReader(wire))
		for {
			e, err := readFrame(in)
			if err != nil {
				return
			}
			if again, err := readFrame(bufio.NewReader(bytes.NewReader(AppendFrame(nil, e)))); err != nil ||
				!reflect.DeepEqual(e, again) {
				t.Fatalf("%+v comes back as %+v, %v", e, again, err)
			}
		}
	})
}

func FuzzReadPlace(f *testing.F) {
	f.Add("convoy@a.b@BOOT:17")
	f.Add("@:")
	f.Fuzz(func(t *testing.T, text string) {
		name, p, ok := readPlace(text)
		if ok && (name == "" || p.boot == "" || p.next < 0 || !strings.HasPrefix(text, name+"@"+p.boot+":")) {
			t.Errorf("%q is read as %q %+v", text, name, p)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("a\r\nb\rc"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := clean(data); len(got) == 0 || bytes.IndexByte(got, '\r') >= 0 {
			t.Errorf("clean(%q) = %q would break a stream", data, got)
		}
	})
}
