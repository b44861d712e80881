package screen

import (
	"slices"
	"strings"
	"testing"
)

// fed returns a screen of 4 rows and 20 columns after some output.
func fed(output string) *Screen {
	s := New(4, 20, 10)
	_, _ = s.Write([]byte(output))
	return s
}

func TestText(t *testing.T) {
	s := fed("1\r\n2  \r\n\r\n漢字 e\u0301\r\n5\x1b[4Cx\r\n6")
	if got, want := s.Text(), []string{"", "漢字 e\u0301", "5    x", "6"}; !slices.Equal(got, want) {
		t.Errorf("Text = %q, want %q", got, want)
	}
	for _, n := range []int{-1, 0, 1, 2, 9} {
		want := []string{"1", "2"}[2-max(min(n, 2), 0):]
		if got := s.History(n); !slices.Equal(got, want) {
			t.Errorf("History(%d) = %q, want %q", n, got, want)
		}
	}
	if got := s.HistoryRows(); got != 2 {
		t.Errorf("HistoryRows = %d, want 2", got)
	}
}

func TestCursorAndModes(t *testing.T) {
	s := fed(strings.Repeat("x", 20) + "\a\a")
	if row, col, visible := s.Cursor(); row != 0 || col != 20 || !visible {
		t.Errorf("Cursor = %d, %d, %t; want 0, 20, true", row, col, visible)
	}
	if got := s.Signals().Bells; got != 2 {
		t.Errorf("Bells = %d, want 2", got)
	}
	_, _ = s.Write([]byte("\x1b[?1049;1002;2004;25l\x1b[?1049;1002;1006;2004h\x1b[4 q"))
	want := Modes{
		Wrap:          true,
		Paste:         true,
		Alternate:     true,
		Mouse:         MouseDrag,
		MouseEncoding: 1006,
		CursorStyle:   2,
		CursorBlink:   2,
	}
	if got := s.Modes(); got != want {
		t.Errorf("Modes = %+v, want %+v", got, want)
	}
	if _, _, visible := s.Cursor(); visible {
		t.Error("the cursor is visible, want hidden")
	}
}

func TestTitle(t *testing.T) {
	for _, c := range []struct{ output, want string }{
		{"", ""},
		{"\x1b]0;both\a", "both"},
		{"\x1b]2;日本 é\x1b\\", "日本 é"},
		{"\x1b]2;title\a\x1b]1;icon\a\x1bc", "title"},
		{"\x1b]2;title\a\x1b]2;\a", ""},
		{"\x1b]2;title\a\x1b]2;begun", "title"},
	} {
		if got := fed(c.output).Title(); got != c.want {
			t.Errorf("Title after %q = %q, want %q", c.output, got, c.want)
		}
	}
}

func TestDir(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"file://host/home/user", "/home/user"},
		{"file:///tmp/a%20b/%e6%bc%a2", "/tmp/a b/漢"},
		{"file:///a/../b//c/", "/b/c"},
		{"file:/no/host", "/no/host"},
		{"", ""},
		{"/no/scheme", "old"},
		{"http://host/path", "old"},
		{"file://host", "old"},
		{"file:relative", "old"},
		{"file:///bad%zz", "old"},
		{"file:///new%0aline", "old"},
		{"file:///escape%1b[31m", "old"},
		{"file:///bytes%ff", "old"},
		{"file:///turned%e2%80%ae", "old"},
		{"file:///" + strings.Repeat("x", dirBytes), "old"},
	} {
		s := fed("\x1b]7;file:///old\a\x1b]7;" + c.text + "\x1b\\")
		want := c.want
		if want == "old" {
			want = "/old"
		}
		if got := s.Dir(); got != want {
			t.Errorf("Dir after %.40q = %q, want %q", c.text, got, want)
		}
	}
}

// TestClipboard writes to the clipboard and queries it (OSC 52): pages handle that, and there is no reply.
func TestClipboard(t *testing.T) {
	s := fed("a\x1b]52;c;aGVsbG8=\ab\x1b]52;c;?\x1b\\c\x1b]52;c;" + strings.Repeat("A", 100_000) + "\ad\x1b]52\ae")
	if got := s.Text()[0]; got != "abcde" {
		t.Errorf("the screen shows %q", got)
	}
	r := record(4, 20, 10)
	_, _ = r.Write([]byte("\x1b]52;c;?\a\x1b]52;p;?\x1b\\"))
	if r.replies != "" {
		t.Errorf("it answers %q", r.replies)
	}
	if snapshot := string(s.Snapshot(10)); strings.Contains(snapshot, "]52") {
		t.Errorf("the snapshot has a clipboard in it: %q", snapshot)
	}
}

func TestPrompt(t *testing.T) {
	for _, c := range []struct {
		marks string
		want  Prompt
	}{
		{"", Prompt{PromptUnknown, -1}},
		{"A", Prompt{PromptShown, -1}},
		{"A B", Prompt{PromptInput, -1}},
		{"A B C", Prompt{PromptRunning, -1}},
		{"A B C D;3", Prompt{PromptDone, 3}},
		{"A B C D;3 A;cl=m B", Prompt{PromptInput, 3}},
		{"A B C D;0;aid=7", Prompt{PromptDone, 0}},
		{"A D", Prompt{PromptDone, -1}},
		{"A D;300 X", Prompt{PromptDone, -1}},
	} {
		s := New(4, 20, 10)
		for mark := range strings.FieldsSeq(c.marks) {
			_, _ = s.Write([]byte("\x1b]133;" + mark + "\a"))
		}
		if got := s.Prompt(); got != c.want {
			t.Errorf("Prompt after %q = %v, want %v", c.marks, got, c.want)
		}
	}
}

func TestPaletteAnswers(t *testing.T) {
	r := record(4, 20, 10)
	_, _ = r.Write([]byte("\x1b]11;?\a\x1b]11;#ffffff\a\x1b]11;?\a\x1b]111\a\x1b]11;?\a"))
	want := "\x1b]11;rgb:0000/0000/0000\x1b\\" + "\x1b]11;rgb:ffff/ffff/ffff\x1b\\" + "\x1b]11;rgb:0000/0000/0000\x1b\\"
	if r.replies != want {
		t.Errorf("answers %q, want %q", r.replies, want)
	}
}

// TestBounds sends what would take unlimited memory or time.
func TestBounds(t *testing.T) {
	s := fed("\x1b]2;" + strings.Repeat("x", 2*stringBytes) + "\a")
	if s.Title() != "" || cap(s.p.text) > stringBytes {
		t.Errorf("a title of %d bytes was kept", 2*stringBytes)
	}
	_, _ = s.Write([]byte("e" + strings.Repeat("\u0301", 10_000)))
	if got := len([]rune(s.Text()[0])); got != marksPerCell {
		t.Errorf("%d code points in a cell, want %d", got, marksPerCell)
	}
	_, _ = s.Write(
		[]byte(strings.Repeat("\x1b[2147483647I\x1b[2147483647L\x1b[2147483647@\x1b[2147483647S\rx\x1b[2147483647b", 100)),
	)
	for i := range 8_000 {
		_, _ = s.Write([]byte("\x1b]8;id=" + string(rune('a'+i%26)) + ";http://" + strings.Repeat("x", i%2500) + "/\ax"))
		_, _ = s.Write([]byte{
			0x1b,
			'[',
			'4',
			';',
			'5',
			'8',
			';',
			'2',
			';',
			'0' + byte(i%10),
			';',
			'0' + byte(i/10%10),
			';',
			'0' + byte(i/100%10),
			'm',
		})
	}
	if n := len(s.exts.sets); n > 4*firstSweep {
		t.Errorf("%d sets of attributes for %d cells", n, 14*20)
	}
	if s.exts.bytes > linksBytes {
		t.Errorf("%d bytes of links, want at most %d", s.exts.bytes, linksBytes)
	}
}

func TestLeastSize(t *testing.T) {
	s := New(0, -3, -1)
	if s.rows != minRows || s.cols != minCols {
		t.Errorf("%d rows of %d columns, want %d of %d", s.rows, s.cols, minRows, minCols)
	}
	s.Resize(-1, 0)
	_, _ = s.Write([]byte("漢\r\nx"))
	if got := s.Text(); !slices.Equal(got, []string{"x"}) {
		t.Errorf("Text = %q, want x", got)
	}
}
