package screen

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSignals_Notes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ output, want string }{
		{"\x1b]9;tests failed\a", "tests failed"},
		{"\x1b]9;3 tests; all of them\x1b\\", "3 tests; all of them"},
		{"\x1b]777;notify;make;has ended\a", "make: has ended"},
		{"\x1b]777;notify;;only a body\a", "only a body"},
		{"\x1b]99;;Hello\x1b\\", "Hello"},
		{"\x1b]99;i=1:d=0;Hello\x1b\\\x1b]99;i=1:p=body;World\x1b\\", "Hello: World"},
		{"\x1b]99;i=1:d=0;Lost\x1b\\\x1b]99;i=2;Kept\x1b\\", "Kept"},
		{"\x1b]99;e=1;SGVsbG8=\x1b\\", "Hello"},
		{"\x1b]99;e=1;not base64!\x1b\\", ""},
		{"\x1b]9; a\u202eb\u200e  c\td\a", "ab cd"},
		{"\x1b]9;" + strings.Repeat("é", 5000) + "\a", strings.Repeat("é", 200)},
	} {
		s := New(24, 80, 0)
		s.Write([]byte(test.output))
		if got := s.Signals(); got.Note != test.want && got.Notes != 0 || test.want != "" && got.Notes != 1 {
			t.Errorf("%.60q: %d notes, the last is %q, want %q", test.output, got.Notes, got.Note, test.want)
		}
	}
	for _, other := range []string{"9;4;1;50", "9;9;/srv", "9;1;500", "777;precmd", "99;p=?;", "99;p=close;", "99;d=0;x"} {
		s := New(24, 80, 0)
		s.Write([]byte("\x1b]" + other + "\a"))
		if n := s.Signals().Notes; n != 0 {
			t.Errorf("%q is a notification", other)
		}
	}
}

func TestSignals_Progress(t *testing.T) {
	t.Parallel()
	s := New(24, 80, 0)
	for _, step := range []struct {
		output string
		want   Progress
	}{
		{"\x1b]9;4;1;40\a", Progress{ProgressNormal, 40}},
		{"\x1b]9;4;2\a", Progress{ProgressError, 40}},
		{"\x1b]9;4;4;41\a", Progress{ProgressPaused, 41}},
		{"\x1b]9;4;1;900\a", Progress{ProgressNormal, 100}},
		{"\x1b]9;4;1;-1\a", Progress{ProgressNormal, 0}},
		{"\x1b]9;4;3\a", Progress{ProgressBusy, 0}},
		{"\x1b]9;4;9;5\a", Progress{ProgressBusy, 0}},
		{"\x1b]9;4;x\a", Progress{ProgressBusy, 0}},
		{"\x1b]133;D\a", Progress{}},
		{"\x1b]9;4;1;7\a\x1b]9;4;0\a", Progress{}},
		{"\x1b]9;4;1;7\a\x1bc", Progress{}},
	} {
		s.Write([]byte(step.output))
		if got := s.Signals().Progress; got != step.want {
			t.Errorf("after %q progress is %v, want %v", step.output, got, step.want)
		}
	}
}

// FuzzSignals feeds the text of commands that report something: what they report is bounded and visible, and does not
// depend on how the output is split.
func FuzzSignals(f *testing.F) {
	for _, text := range []string{
		"9;hi", "9;4;1;40", "777;notify;a;b", "99;i=1:d=0:e=1;SGk=", "133;C", "133;D;3", "\a", "99;p=body:d=1;\x00\u202e",
	} {
		f.Add(text, "9;4;3")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		output := fmt.Appendf(nil, "\x1b]%s\x1b\\\a\x1b]%s\aend\r\n", one, two)
		whole, split := New(5, 20, 10), New(5, 20, 10)
		whole.Write(output)
		for i := range output {
			split.Write(output[i : i+1])
		}
		got := whole.Signals()
		if other := split.Signals(); got != other || whole.Signalled() != split.Signalled() {
			t.Fatalf("%+v, and split %+v", got, other)
		}
		hidden := func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }
		visible := utf8.ValidString(got.Note) && !strings.ContainsFunc(got.Note, hidden)
		if !visible || utf8.RuneCountInString(got.Note) > noteRunes {
			t.Fatalf("note %q", got.Note)
		}
		if p := got.Progress; p.Percent < 0 || p.Percent > 100 || p.State < ProgressNone || p.State > ProgressPaused {
			t.Fatalf("progress %+v", p)
		}
	})
}
