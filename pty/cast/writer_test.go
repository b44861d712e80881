package cast

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"convoy/internal/testkit"
)

func TestWriterWritesVersion3(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, header())
	testkit.Must(t, err)
	testkit.Must(t, w.Output(after(248), []byte("\x1b[1mHello <&> \"you\"\r\n")))
	testkit.Must(t, w.Resize(after(1249), 100, 30))
	testkit.Must(t, w.Resize(after(1249), 100, 30))
	testkit.Must(t, w.Mark(after(1000), "a mark")) // clocks may go back; recordings do not
	testkit.Must(t, w.Exit(after(1500), 137))
	end, err := w.End(after(2000), "the shell ended")
	testkit.Must(t, err)
	const want = `{"version":3,"term":{"cols":80,"rows":24,"type":"xterm-256color"},"timestamp":1795601702,"title":"bash","convoy":{"node":"convoy@a.test","shell":"k3fz9abcde","by":"admin"}}
[0.248, "o", "\u001b[1mHello <&> \"you\"\r\n"]
[1.001, "r", "100x30"]
[0.000, "m", "a mark"]
[0.251, "x", "137"]
# end {"seconds":2,"reason":"the shell ended"}
`
	if out.String() != want {
		t.Errorf("wrote\n%s\nwant\n%s", out.String(), want)
	}
	if end.Seconds != 2 || end.Cut {
		t.Errorf("end %+v", end)
	}
	if err := w.Output(after(3000), []byte("late")); !errors.Is(err, errEnded) {
		t.Errorf("output after the end: %v", err)
	}
	h, list, err := events(t, &out)
	if !errors.Is(err, io.EOF) || h != header() || len(list) != 4 ||
		list[3] != (Event{1500 * time.Millisecond, Exit, "137"}) {
		t.Errorf("read %+v, %+v, %v", h, list, err)
	}
}

// Splitting does not change the text, and every event is complete UTF-8.
func TestWriterKeepsLettersWhole(t *testing.T) {
	const said = "é🙂\u0301漢 plain \xff\xc3( \xe2\x82 \xf0\x9f\x99\x80 end"
	for size := 1; size < 8; size++ {
		var out bytes.Buffer
		w, err := NewWriter(&out, header())
		testkit.Must(t, err)
		for b := []byte(said); len(b) > 0; b = b[min(size, len(b)):] {
			testkit.Must(t, w.Output(after(0), b[:min(size, len(b))]))
		}
		_, err = w.End(after(0), "")
		testkit.Must(t, err)
		if strings.Contains(out.String(), `"o", ""`) {
			t.Errorf("in pieces of %d: an event without a letter", size)
		}
		if got, want := output(t, &out), strings.ToValidUTF8(said, "\ufffd"); !sameInvalid(got, want) {
			t.Errorf("in pieces of %d: %q, want %q", size, got, want)
		}
	}
}

// sameInvalid compares texts that may differ in the number of U+FFFD for a run of invalid bytes.
func sameInvalid(a, b string) bool {
	squeeze := func(s string) string {
		for strings.Contains(s, "\ufffd\ufffd") {
			s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
		}
		return s
	}
	return squeeze(a) == squeeze(b)
}

func TestWriterSplitsMuch(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, header())
	testkit.Must(t, err)
	said := strings.Repeat("\x1b🙂", maxEventBytes)
	testkit.Must(t, w.Output(after(0), []byte(said)))
	_, err = w.End(after(0), "")
	testkit.Must(t, err)
	_, list, _ := events(t, bytes.NewReader(out.Bytes()))
	for _, e := range list {
		if len(e.Data) > maxEventBytes || !utf8.ValidString(e.Data) || strings.ContainsRune(e.Data, utf8.RuneError) {
			t.Fatalf("an event of %d bytes that is not whole letters", len(e.Data))
		}
	}
	if got := output(t, &out); got != said {
		t.Errorf("%d bytes came back of %d", len(got), len(said))
	}
}

// A screen starts over: an incomplete sequence before it is dropped.
func TestScreenForgetsHalfALetter(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, header())
	testkit.Must(t, err)
	testkit.Must(t, w.Output(after(0), []byte("a\xf0\x9f")))
	testkit.Must(t, w.Screen(after(0), []byte("\x18\x1bcb"), 0))
	_, err = w.End(after(0), "")
	testkit.Must(t, err)
	if got := output(t, &out); got != "a\x18\x1bcb" {
		t.Errorf("%q", got)
	}
}

// pieces records writes.
type pieces struct {
	mu   sync.Mutex
	list []string
	err  error
}

func (p *pieces) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.list
}

func (p *pieces) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return 0, p.err
	}
	p.list = append(p.list, string(b))
	return len(b), nil
}

func TestWriterWritesEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &pieces{}
		w, err := NewWriter(out, header())
		testkit.Must(t, err)
		testkit.Must(t, w.Output(after(0), []byte("one")))
		testkit.Must(t, w.Output(after(1), []byte("two")))
		time.Sleep(flushTime - time.Millisecond)
		synctest.Wait()
		if list := out.all(); len(list) != 1 {
			t.Errorf("written before its time: %q", list)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if want := "[0.000, \"o\", \"one\"]\n[0.001, \"o\", \"two\"]\n"; len(out.all()) != 2 || out.all()[1] != want {
			t.Errorf("after a second: %q", out.all())
		}
		testkit.Must(t, w.Output(after(2), bytes.Repeat([]byte("x"), flushBytes)))
		if list := out.all(); len(list) != 3 || !strings.HasSuffix(list[2], "\n") {
			t.Error("much is not written at once, or not in whole lines")
		}
		_, err = w.End(after(3), "")
		testkit.Must(t, err)
	})
}

func TestWriterStopsAtAnError(t *testing.T) {
	out := &pieces{}
	w, err := NewWriter(out, header())
	testkit.Must(t, err)
	out.err = errors.New("disk on fire")
	testkit.Must(t, w.Output(after(0), []byte("one")))
	if err := w.Flush(); !errors.Is(err, out.err) {
		t.Errorf("flush: %v", err)
	}
	if err := w.Output(after(0), []byte("two")); !errors.Is(err, out.err) {
		t.Errorf("output: %v", err)
	}
	if _, err := w.End(after(0), ""); !errors.Is(err, out.err) {
		t.Errorf("end: %v", err)
	}
	if _, err := NewWriter(out, header()); !errors.Is(err, out.err) {
		t.Errorf("header: %v", err)
	}
}

func TestReaderTakesVersion2(t *testing.T) {
	in := `{"version": 2, "width": 90, "height": 20, "timestamp": 1504467315, "title": "Demo", "env": {"TERM": "x"}, "theme": {}}
[0.248848, "o", "one"]

[1.001376, "i", "typed"]
[0.9, "o", "earlier"]
[2, "r", "80x24"]`
	h, list, err := events(t, strings.NewReader(in))
	if !errors.Is(err, io.EOF) || h.Cols != 90 || h.Rows != 20 || h.Title != "Demo" || h.Started.Unix() != 1504467315 {
		t.Errorf("header %+v, %v", h, err)
	}
	want := []Event{{248848 * time.Microsecond, Output, "one"}, {1001376 * time.Microsecond, "i", "typed"},
		{1001376 * time.Microsecond, Output, "earlier"}, {2 * time.Second, Resize, "80x24"}}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("events %v, want %v", list, want)
	}
}

func TestReaderRefuses(t *testing.T) {
	const head = `{"version":3,"term":{"cols":80,"rows":24}}` + "\n"
	for _, test := range []struct {
		name, in string
		want     error
	}{
		{"nothing", "", ErrFormat},
		{"a list", "[]\n", ErrFormat},
		{"another version", `{"version":1,"width":80,"height":24}`, ErrFormat},
		{"no size", `{"version":3}`, ErrFormat},
		{"a huge size", `{"version":3,"term":{"cols":100000,"rows":24}}`, ErrFormat},
		{"a negative size", `{"version":2,"width":-1,"height":24}`, ErrFormat},
		{"an impossible time", `{"version":2,"width":80,"height":24,"timestamp":1e300}`, ErrFormat},
		{"an endless header", strings.Repeat(" ", maxLineBytes+1), ErrFormat},
		{"only a header", head, io.EOF},
		{"a comment", head + "# end", io.EOF},
		{"a cut line", head + `[0.1, "o", "ab`, io.ErrUnexpectedEOF},
		{"a bad line", head + "nonsense\n", ErrFormat},
		{"two fields", head + `[0.1, "o"]` + "\n", ErrFormat},
		{"a number for text", head + `[0.1, "o", 7]` + "\n", ErrFormat},
		{"for ever", head + `[1e300, "o", ""]` + "\n", ErrFormat},
		{"an endless line", head + `[0.1, "o", "` + strings.Repeat("a", maxLineBytes), ErrFormat},
	} {
		if _, _, err := events(t, strings.NewReader(test.in)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(
		[]byte(`{"version":3,"term":{"cols":80,"rows":24}}` + "\n[0.1, \"o\", \"a\\ud800\"]\n# x\n[1, \"r\", \"1x1\"]\n[0"),
	)
	f.Add([]byte(`{"version":2,"width":1,"height":1}` + "\n[9, \"o\", \"\"]\n[-3, \"m\", \"\"]"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := NewReader(bytes.NewReader(in))
		if err != nil {
			return
		}
		if h := r.Header; !sideValid(h.Cols) || !sideValid(h.Rows) {
			t.Fatalf("header %+v", h)
		}
		for last := time.Duration(0); ; {
			e, err := r.Next()
			if err != nil {
				break
			}
			if e.At < last || !utf8.ValidString(e.Data) {
				t.Fatalf("event %+v after %v", e, last)
			}
			last = e.At
		}
		if r.off > int64(len(in)) {
			t.Fatalf("%d bytes of %d read", r.off, len(in))
		}
	})
}

// Any output, in any pieces, comes back as valid text.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("é🙂\xff"), uint8(2))
	f.Add([]byte("\xf0\xf0\xe2\x82"), uint8(7))
	f.Fuzz(func(t *testing.T, said []byte, size uint8) {
		var out bytes.Buffer
		w, err := NewWriter(&out, header())
		testkit.Must(t, err)
		n := int(size) + 1
		for b := said; len(b) > 0; b = b[min(n, len(b)):] {
			testkit.Must(t, w.Output(after(0), b[:min(n, len(b))]))
		}
		_, err = w.End(after(0), "")
		testkit.Must(t, err)
		got := output(t, &out)
		if utf8.Valid(said) && got != string(said) || !utf8.ValidString(got) {
			t.Errorf("%q became %q", said, got)
		}
	})
}
