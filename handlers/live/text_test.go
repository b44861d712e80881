package live

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"convoy/internal/client"
)

// sent is what a client gets of output, which arrives in pieces, and the bytes of its events.
func sent(t testing.TB, text bool, pieces ...[]byte) (got []byte, events []client.Event) {
	t.Helper()
	reader := &tab{Stream: Stream{Query: Query{Text: text}}, hub: &Hub{}}
	reader.send = func(event string, data []byte) {
		if bytes.ContainsAny(data, "\r\n") || !utf8.Valid(data) {
			t.Fatalf("%s: %q is not one line of text", event, data)
		}
		e := client.Event{Name: "output", Data: bytes.Clone(data), Text: event == "text"}
		out, err := client.ParseOutput(e)
		if err != nil || out.Shell != "node/shell" || out.Off != int64(len(got)) || len(out.Bytes) == 0 {
			t.Fatalf("%s %q: %+v, %v; want offset %d", event, data, out, err, len(got))
		}
		got, events = append(got, out.Bytes...), append(events, e)
	}
	off := int64(0)
	for _, piece := range pieces {
		reader.sendOutput("node/shell", off, piece)
		off += int64(len(piece))
	}
	return got, events
}

// samples are outputs with everything that an encoding could lose.
var samples = []string{
	"plain", "\r\n", "\r", "\n", "\r\r\n\n", "\x1e\x1f", "\x1fn\x1er", "tab\tand\x00nul", " leading and trailing ",
	"日本語のテキスト\r\n", "e\u0301 👩‍👩‍👧 \ufeff\u2028\u0085", "\xff\xfe", "\xed\xa0\x80", "\xc0\xaf",
	"\x80\x80\x80\x80\x80", "\xf0\x9f",
}

// Output arrives byte by byte wherever it is cut, as text and in base64.
func TestText_EverySplit(t *testing.T) {
	t.Parallel()
	for _, a := range samples {
		for _, b := range samples {
			whole := []byte(a + b)
			for cut := 1; cut < len(whole); cut++ {
				for _, text := range []bool{true, false} {
					if got, _ := sent(t, text, whole[:cut], whole[cut:]); !bytes.Equal(got, whole) {
						t.Fatalf("%q, cut at %d, becomes %q", whole, cut, got)
					}
				}
			}
		}
	}
}

// Lines of a program take hardly more bytes than the program printed, and what is not text at most what base64 takes.
func TestText_Size(t *testing.T) {
	t.Parallel()
	random := make([]byte, 32<<10)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for name, test := range map[string]struct {
		output []byte
		most   float64 // bytes on the stream for each byte
	}{
		"lines":     {bytes.Repeat([]byte("a line of a program's output\r\n"), 1000), 1.03},
		"yes":       {bytes.Repeat([]byte("y\r\n"), 10000), 1.03},
		"colours":   {bytes.Repeat([]byte("\x1b[38;5;12mword\x1b[0m\r\n"), 1000), 1.03},
		"Japanese":  {bytes.Repeat([]byte("日本語\r\n"), 1000), 1.03},
		"returns":   {bytes.Repeat([]byte("\r"), 1000), 1.4},
		"escapes":   {bytes.Repeat([]byte{0x1e, 0x1f}, 1000), 1.4},
		"a picture": {random, 1.4},
	} {
		got, events := sent(t, true, test.output)
		size := 0
		for _, e := range events {
			size += len(e.Data)
		}
		if ratio := float64(size) / float64(len(test.output)); !bytes.Equal(got, test.output) || ratio > test.most {
			t.Errorf("%s: %.2f bytes for each, want at most %.2f", name, ratio, test.most)
		}
	}
}

// A stream that does not ask gets base64 alone.
func TestText_OnlyIfAsked(t *testing.T) {
	t.Parallel()
	if _, events := sent(t, false, []byte("plain")); len(events) != 1 || events[0].Text {
		t.Errorf("events %+v, want one in base64", events)
	}
	if _, events := sent(t, true, []byte("plain")); len(events) != 1 || !events[0].Text {
		t.Errorf("events %+v, want one text", events)
	}
}

func FuzzText(f *testing.F) {
	for _, sample := range samples {
		f.Add([]byte(sample), 1)
	}
	f.Fuzz(func(t *testing.T, whole []byte, cut int) {
		cut = min(max(cut, 0), len(whole))
		if got, _ := sent(t, true, whole[:cut], whole[cut:]); !bytes.Equal(got, whole) {
			t.Fatalf("%q, cut at %d, becomes %q", whole, cut, got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	for name, output := range map[string][]byte{
		"lines": bytes.Repeat([]byte("a line of a program's output, about as long as usual for such lines\r\n"), 470),
		"yes":   bytes.Repeat([]byte("y\r\n"), 10_900),
	} {
		for _, text := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s, as text: %v", name, text), func(b *testing.B) {
				b.SetBytes(int64(len(output)))
				for b.Loop() {
					outputPlace{"node/shell", 0, len(output), text}.encode(output)
				}
			})
		}
	}
}
