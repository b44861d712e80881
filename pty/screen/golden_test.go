package screen

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// step is a piece of input, or a resize.
type step struct {
	bytes      []byte
	rows, cols int
}

// goldenCase is a case as internal/tools/golden/cases.mjs defines it.
type goldenCase struct {
	name                   string
	rows, cols, scrollback int
	steps                  []step
}

// recorder is a screen with its replies.
type recorder struct {
	*Screen
	replies string
}

func record(rows, cols, scrollback int) *recorder {
	r := &recorder{Screen: New(rows, cols, scrollback)}
	r.Replies = func(b []byte) { r.replies += string(b) }
	return r
}

func (r *recorder) do(t *testing.T, st step) {
	if st.rows > 0 {
		r.Resize(st.rows, st.cols)
		return
	}
	if n, err := r.Write(st.bytes); n != len(st.bytes) || err != nil {
		t.Fatalf("Write = %d, %v; want %d, nil", n, err, len(st.bytes))
	}
}

// state is the golden text of one step.
func (r *recorder) state(i, history int) string {
	text := fmt.Sprintf("@ %d\n", i) + dump(r.Screen, history)
	if r.signals.Bells > 0 {
		text += fmt.Sprintf("bells %d\n", r.signals.Bells)
	}
	if r.replies != "" {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(r.replies)
		text += "replies " + b.String()
	}
	return text
}

func TestSynthetic(t *testing.T) {
	t.Parallel()
	cases := syntheticCases(t)
	if len(cases) < 150 {
		t.Errorf("%d cases, want at least 150", len(cases))
	}
	compare(t, cases, goldenTexts(t, "synthetic.golden"), false)
}

func TestRecordings(t *testing.T) {
	t.Parallel()
	compare(t, recordedCases(t), goldenTexts(t, "recordings.golden"), true)
}

// compare runs each case and compares its state at the end, or with each after every step.
func compare(t *testing.T, cases []goldenCase, want map[string]string, each bool) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := record(c.rows, c.cols, c.scrollback)
			var got strings.Builder
			for i, st := range c.steps {
				r.do(t, st)
				if i == len(c.steps)-1 {
					got.WriteString(r.state(i, c.scrollback))
				} else if each {
					got.WriteString(r.state(i, 0))
				}
			}
			same(t, got.String(), want[c.name])
		})
	}
	if len(cases) != len(want) {
		t.Errorf("%d cases, %d golden texts", len(cases), len(want))
	}
}

// same reports the lines in which two dumps differ.
func same(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i, shown := 0, 0; i < max(len(g), len(w)) && shown < 6; i++ {
		a, b := "", ""
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Errorf("line %d\n got %s\nwant %s", i+1, a, b)
			shown++
		}
	}
}

// goldenTexts reads a golden file: "== name" lines, each followed by a text.
func goldenTexts(t testing.TB, name string) map[string]string {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, part := range strings.Split("\n"+string(text), "\n== ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		if !strings.HasSuffix(body, "\n") {
			body += "\n"
		}
		texts[name] = body
	}
	return texts
}

var caseHead = regexp.MustCompile(`^= (.*?)(?: \[([\d ]+)\])?$`)

func syntheticCases(t testing.TB) []goldenCase {
	text, err := os.ReadFile("testdata/synthetic.txt")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	for l := range strings.SplitSeq(string(text), "\n") {
		switch {
		case l == "" || l[0] == '#':
		case strings.HasPrefix(l, "= "):
			head := caseHead.FindStringSubmatch(l)
			size := []int{6, 20, 10}
			for i, n := range strings.Fields(head[2]) {
				size[i], _ = strconv.Atoi(n)
			}
			cases = append(cases, goldenCase{name: head[1], rows: size[0], cols: size[1], scrollback: size[2]})
		case strings.HasPrefix(l, "! "):
			var st step
			if _, err := fmt.Sscan(l[2:], &st.rows, &st.cols); err != nil {
				t.Fatalf("%q: %v", l, err)
			}
			c := &cases[len(cases)-1]
			c.steps = append(c.steps, st)
		default:
			c := &cases[len(cases)-1]
			c.steps = append(c.steps, step{bytes: unescape(l)})
		}
	}
	return cases
}

var escapes = map[byte]byte{'e': 27, 'r': 13, 'n': 10, 't': 9, 'b': 8, 'a': 7, '\\': 92}

// unescape expands \e \r \n \t \b \a \\ \xNN, and \*N(text) for text N times.
func unescape(text string) []byte {
	var out []byte
	for len(text) > 0 {
		if text[0] != '\\' {
			out = append(out, text[0])
			text = text[1:]
			continue
		}
		switch text[1] {
		case 'x':
			n, _ := strconv.ParseUint(text[2:4], 16, 8)
			out = append(out, byte(n))
			text = text[4:]
		case '*':
			count, rest, _ := strings.Cut(text[2:], "(")
			part, rest, _ := strings.Cut(rest, ")")
			n, _ := strconv.Atoi(count)
			out = append(out, slices.Repeat(unescape(part), n)...)
			text = rest
		default:
			out = append(out, escapes[text[1]])
			text = text[2:]
		}
	}
	return out
}

const checkpoints = 6

var recordingName = regexp.MustCompile(`^(.*-(\d+)x(\d+))\.raw$`)

// recordedCases makes two cases of each recording: as recorded, and with a resize after each of its parts.
func recordedCases(t testing.TB) []goldenCase {
	names, err := filepath.Glob("testdata/*.raw")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	for _, name := range names {
		m := recordingName.FindStringSubmatch(filepath.Base(name))
		rows, _ := strconv.Atoi(m[2])
		cols, _ := strconv.Atoi(m[3])
		bytes, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sizes := []step{
			{rows: rows + 6, cols: cols + 20}, {rows: rows - 4, cols: cols - 13}, {rows: rows, cols: cols},
			{rows: rows + 3, cols: cols / 2}, {rows: rows / 2, cols: cols + 7},
		}
		plain := goldenCase{name: m[1], rows: rows, cols: cols, scrollback: 100}
		resized := plain
		resized.name += " resized"
		from := 0
		for i := range checkpoints {
			to := len(bytes) * (i + 1) / checkpoints
			for to < len(bytes) && bytes[to]&0xc0 == 0x80 {
				to++
			}
			st := step{bytes: bytes[from:to]}
			plain.steps = append(plain.steps, st)
			resized.steps = append(resized.steps, st)
			if i < len(sizes) {
				resized.steps = append(resized.steps, sizes[i])
			}
			from = to
		}
		cases = append(cases, plain, resized)
	}
	return cases
}
