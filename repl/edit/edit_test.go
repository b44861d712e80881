package edit

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"convoy/pty/screen"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"aé語":                                       "a é 語",
		"\x01\x05\x1f\x7f\x08\t\r\n\x00":            "C-a C-e C-_ backspace backspace tab enter enter C-space",
		"\x1b[A\x1b[B\x1b[C\x1b[D":                  "up down right left",
		"\x1bOA\x1bOH\x1b[H\x1b[4~\x1b[3~":          "up home home end delete",
		"\x1b[1;5D\x1b[1;3C\x1b[3;5~":               "C-left M-right C-delete",
		"\x1bb\x1bf\x1b\x7f\x1b\r":                  "M-b M-f M-backspace M-enter",
		"\x1b[200~a\r\nb\x07\tc\x1b[201~d":          "paste:a\nb\tc d",
		"\x1b[200~\x1b[31m\x1b[20\x1b[201~":         "paste:[31m[20",
		"x\x1b[12;34Ry":                             "x y", // an unsolicited cursor report
		"x\x1b[<0;1;1Mx\x1b[I\x1b[97;5uy":           "x x y",
		"\x1b\x1b[A":                                "escape up",
		"\x1b[5\rx":                                 "enter x",
		"x\x1b[M !!y\x1b[[Az":                       "x y z", // mouse, and F1 of the Linux console
		"x\x1b]11;rgb:00/00/00\x07y\x1bP1$r\x1b\\z": "x y z",
		"x\x1b_text\ry":                             "x enter y",
		"a\xffb\x9bc":                               "a \uFFFD b \uFFFD c",
		"\x1b[" + strings.Repeat("1", 70) + "m":     "1 1 1 1 1 1 1 1 m",
	} {
		if got := names(new(decoder).decode([]byte(typed))); got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
	var d decoder
	if got := names(append(d.decode([]byte("a\x1b")), d.flush()...)); got != "a escape" || d.waits() {
		t.Errorf("an escape alone is %q", got)
	}
}

func names(keys []key) string {
	var all []string
	for _, k := range keys {
		switch k.name {
		case "":
			all = append(all, k.text)
		case "paste":
			all = append(all, "paste:"+k.text)
		default:
			all = append(all, k.name)
		}
	}
	return strings.Join(all, " ")
}

// Chunking does not change the keys, and little is buffered.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x1b[200~a\xe8\xaa\x9e\x1b[201~\x1b[1;5D\x1bOA\x1b\x1b[3~é"), uint64(1))
	f.Fuzz(func(t *testing.T, typed []byte, seed uint64) {
		var whole, parts decoder
		want := append(whole.decode(typed), whole.flush()...)
		random := rand.New(rand.NewPCG(seed, 0))
		var got []key
		for rest := typed; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			got = append(got, parts.decode(rest[:n])...)
			rest = rest[n:]
		}
		got = append(got, parts.flush()...)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q in parts is %q, in one %q", typed, names(got), names(want))
		}
		if !parts.pasting && len(parts.rest) > maxString+1 {
			t.Errorf("%d bytes are kept", len(parts.rest))
		}
		for _, k := range got {
			if strings.ContainsFunc(
				k.text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 },
			) {
				t.Errorf("%q types a control", k.text)
			}
		}
	})
}

// pieces of random texts: narrow, wide, and combining, and clusters of several code points.
var pieces = []string{"a", "b", " ", "()", "語", "ü", "e\u0301", "\n", "x = 1", "日本", "wordy", "\t"}

// After any edit, at any size, the screen shows the layout and nothing above it has changed. The screen is a model of
// xterm.js.
func TestDraw_ShowsTheLayout(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 7))
		rows, cols := 3+random.IntN(20), 12+random.IntN(60)
		s := screen.New(rows, cols, 1000)
		before := random.IntN(rows + 5)
		for i := range before {
			fmt.Fprintf(s, "row %d\r\n", i)
		}
		var b buffer
		var drawn layout
		for range 60 {
			change(&b, random)
			helpers := []string(nil)
			if random.IntN(5) == 0 {
				helpers = []string{"one", "two"}[:random.IntN(min(3, rows-1))]
			}
			l := newLayout("\x1b[1;36mname\x1b[m(3)> ", "... ", b.text, b.pos, cols).window(rows - len(helpers))
			l.below = helpers
			s.Write([]byte(drawing(drawn.row, l))) //nolint:errcheck // it accepts everything
			drawn = l
			compare(t, seed, s, l, before)
			if t.Failed() {
				return
			}
		}
	}
}

// change makes a random edit.
func change(b *buffer, random *rand.Rand) {
	switch random.IntN(9) {
	case 0:
		b.pos = b.lineStart()
	case 1:
		if b.pos > 0 {
			b.pos = b.previous()
		}
	case 2:
		b.up()
	case 3:
		b.down()
	case 4:
		if b.pos > 0 {
			b.cut(b.wordStart(), b.pos)
		}
	case 5:
		b.transpose()
	default:
		b.insert(pieces[random.IntN(len(pieces))])
	}
}

func compare(t *testing.T, seed uint64, s *screen.Screen, l layout, before int) {
	t.Helper()
	row, col, _ := s.Cursor()
	first := row - l.row
	text := s.Text()
	for i, want := range append(append([]string{}, l.rows...), l.below...) {
		want = strings.ReplaceAll(strings.ReplaceAll(want, "\x1b[1;36m", ""), "\x1b[m", "")
		if first+i >= len(text) || strings.TrimRight(text[first+i], " ") != strings.TrimRight(want, " ") {
			t.Errorf("seed %d: row %d of the text should be %q on\n%s", seed, i, want, strings.Join(text, "\n"))
			return
		}
	}
	if col != l.col {
		t.Errorf("seed %d: the cursor is in column %d, want %d, on\n%s", seed, col, l.col, strings.Join(text, "\n"))
	}
	if first > 0 && before > 0 && strings.TrimSpace(text[first-1]) != fmt.Sprintf("row %d", before-1) {
		t.Errorf("seed %d: above the text is %q, want row %d", seed, text[first-1], before-1)
	}
}

// After a resize nothing of the old text is left, wherever it was on the screen.
func TestDraw_AfterAResize(t *testing.T) {
	t.Parallel()
	for seed := range uint64(600) {
		random := rand.New(rand.NewPCG(seed, 9))
		rows, cols := 24, 20+random.IntN(40)
		s := screen.New(rows, cols, 1000)
		s.Write([]byte(strings.Repeat("above\r\n", 1+random.IntN(30)))) //nolint:errcheck // it accepts everything
		var b buffer
		for range random.IntN(60) {
			b.insert(pieces[random.IntN(len(pieces))])
		}
		for range random.IntN(30) {
			change(&b, random)
		}
		l := newLayout("(1)> ", "... ", b.text, b.pos, cols).window(rows)
		if random.IntN(3) == 0 {
			l.below = []string{"helper", strings.Repeat("helper", 1+random.IntN(cols/6-1))}
		}
		if len(l.rows)+len(l.below) > rows {
			continue
		}
		s.Write([]byte(drawing(0, l))) //nolint:errcheck // it accepts everything
		for range 3 {
			cols = 20 + random.IntN(40)
			s.Resize(rows, cols)
			up := min(l.reflowed(cols), rows-1)
			l = newLayout("(1)> ", "... ", b.text, b.pos, cols).window(rows)
			s.Write([]byte(drawing(up, l))) //nolint:errcheck // it accepts everything
		}
		shown := strings.Join(s.Text(), "\n")
		if strings.Count(shown, "(1)>") != 1 || strings.Trim(shown[:strings.Index(shown+"(1)>", "(1)>")], "above\n") != "" ||
			strings.Contains(shown, "helper") {
			t.Errorf("seed %d, cursor at %d of %q:\n%s", seed, b.pos, b.text, shown)
			return
		}
		compare(t, seed, s, l, 0)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(path, []byte("\"old\"\nbroken\n\"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := OpenHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "one", " secret", "", "def f():\n  pass\n", strings.Repeat("x", maxEntry+1),
		"two"} {
		if err := h.Add(text); err != nil {
			t.Error(err)
		}
	}
	want := []string{"old", "one", "def f():\n  pass\n", "two"}
	again, err := OpenHistory(path)
	if err != nil || !reflect.DeepEqual(again.entries, want) || !reflect.DeepEqual(h.entries, want) {
		t.Errorf("kept %q and %q, %v", h.entries, again.entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	file.WriteString("\"" + strings.Repeat("long", 4*maxEntry) + "\"\n\"torn") //nolint:errcheck // the next check sees it
	file.Close()
	if err := again.Add("behind"); err != nil {
		t.Error(err)
	}
	if h, err = OpenHistory(path); err != nil || !reflect.DeepEqual(h.entries, append(want, "behind")) {
		t.Errorf("behind a broken line: %q, %v", h.entries, err)
	}
	if h, err := OpenHistory("/nowhere/at/all"); err == nil || h.Add("x") != nil || len(h.entries) != 1 {
		t.Errorf("without a file: %v, %q", err, h.entries)
	}
}

// Several processes write to one file, which is compacted concurrently: only the oldest entries are lost.
func TestHistory_IsShared(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history")
	long := strings.Repeat("x", 500)
	var writers sync.WaitGroup
	for i := range 4 {
		own, err := OpenHistory(path)
		if err != nil {
			t.Fatal(err)
		}
		writers.Go(func() {
			for k := range 1000 {
				if err := own.Add(fmt.Sprintf("entry %d of %d %s", k, i, long)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxFile {
		t.Errorf("the file: %v, %v", info, err)
	}
	h, err := OpenHistory(path)
	if err != nil || len(h.entries) < compactBytes/600 {
		t.Fatalf("%d entries, %v", len(h.entries), err)
	}
	next := map[int]int{} // next expected entry, by writer
	for _, text := range h.entries {
		var k, i int
		if _, err := fmt.Sscanf(text, "entry %d of %d", &k, &i); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if want, ok := next[i]; ok && k != want {
			t.Fatalf("entry %d of writer %d follows %d", k, i, want-1)
		}
		next[i] = k + 1
	}
	for i, n := range next {
		if n != 1000 {
			t.Errorf("of writer %d the last is %d", i, n-1)
		}
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	few := formatCandidates([]Candidate{{"node", "this node and others"}, {"not", ""}}, 40, 12)
	if len(few) != 2 || few[0] != "node  \x1b[2mthis node and others\x1b[m" || few[1] != "not " {
		t.Errorf("few: %q", few)
	}
	var many []Candidate
	for i := range 100 {
		many = append(many, Candidate{fmt.Sprintf("name%02d", i), ""})
	}
	if got := formatCandidates(many, 30, 5); len(got) != 5 || got[0] != "name00  name01  name02" ||
		!strings.Contains(got[4], "88 more") {
		t.Errorf("many: %q", got)
	}
}
