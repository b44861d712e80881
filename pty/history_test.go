package pty

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// FromHistory yields all kept rows, FromScreen a part of them; both continue with new output.
func TestFollow_FromHistory(t *testing.T) {
	t.Parallel()
	path, open := gate(t)
	s := run(t, "seq 1 5000; read x < "+path+"; echo more")
	watch(t, s, options{name: "early"}).see("5000")
	v := watch(t, s, options{name: "history", from: FromHistory})
	late := watch(t, s, options{name: "screen", from: FromScreen})
	for _, v := range []*view{v, late} {
		v.until("the screen", func(events []Event) bool { return len(events) >= 2 })
	}
	open()
	for v, rows := range map[*view]int{v: 5000, late: attachRows} {
		v.exit()
		v.shows()
		if got := v.kinds(); got != "resize reset output exited" {
			t.Errorf("%s: events %s", v.name, got)
		}
		lines := strings.Count(string(v.all()[1].Bytes), "\n")
		if lines < rows || lines > rows+size.Rows {
			t.Errorf("%s: the screen comes with %d lines, want %d", v.name, lines, rows)
		}
	}
}

// The history is limited in bytes, and its newest rows are there.
func TestFollow_FromHistoryIsBounded(t *testing.T) {
	t.Parallel()
	s := run(t, `i=0; while [ $i -lt 12000 ]; do i=$((i+1)); printf '\033[31mrow \033[42m%d\033[m%070d\r\n' $i 0; done`)
	watch(t, s, options{name: "early"}).exit()
	v := watch(t, s, options{name: "history", from: FromHistory})
	v.exit()
	v.shows()
	whole := v.all()[1].Bytes
	if n := len(whole); n > maxScreenBytes || n < maxScreenBytes*9/10 {
		t.Errorf("the screen with its history has %d bytes, want about %d", n, maxScreenBytes)
	}
	if !bytes.Contains(whole, []byte("11970")) {
		t.Error("the newest rows are missing")
	}
}

// WriteText returns what the program printed, even on a narrow terminal.
func TestWriteText(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("a long line, with blanks and 漢字 in it: ", 20) + "end\nshort\n"
	s := run(t, "printf '"+strings.ReplaceAll(want, "\n", "\\n")+"'; seq 1 3000")
	watch(t, s, options{name: "waits"}).exit()
	var text bytes.Buffer
	if err := s.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\n2999\n3000\n") ||
		strings.Count(got, "\n") != 3002 {
		t.Errorf("%d bytes of text: %.300q … %q", len(got), got, got[max(0, len(got)-30):])
	}
	if err := s.WriteText(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("WriteText to a broken writer: %v", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
