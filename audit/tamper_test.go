package audit

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// reseal corrects a line's hash after a change of its text.
func reseal(line string) string {
	body, _, _ := strings.Cut(line, `,"hash":`)
	return body + `,"hash":"` + hashOf([]byte(body)) + "\"}\n"
}

// on applies a change to the lines of the third file.
func on(change func(lines []string) []string) func(testing.TB, []string) {
	return func(t testing.TB, files []string) { edit(t, files[2], change) }
}

// tampering lists changes to a log of six files, the Reason that Verify reports, and the line of the third file, or
// nextFile, otherFile or lastLine.
var tampering = []struct {
	name   string
	do     func(t testing.TB, files []string)
	reason Reason
	line   int
}{
	{
		"a letter is changed",
		on(func(l []string) []string { l[3] = strings.Replace(l[3], "ada", "eve", 1); return l }),
		Changed,
		4,
	},
	{"a digit of a hash is changed", on(func(l []string) []string { return swapHex(l, 3, len(l[3])-10) }), Changed, 4},
	{
		"a digit of prev is changed",
		on(func(l []string) []string { return swapHex(l, 3, strings.Index(l[3], `"prev":"`)+9) }),
		Changed,
		4,
	},
	{
		"a quote is changed",
		on(func(l []string) []string { l[3] = strings.Replace(l[3], `"`, `'`, 1); return l }),
		NoEntry,
		4,
	},
	{"a line is changed, and its hash made right", on(func(l []string) []string {
		l[3] = reseal(strings.Replace(l[3], "ada", "eve", 1))
		return l
	}), PrevDiffers, 5},
	{"the first line of a file is removed", on(func(l []string) []string { return l[1:] }), SeqGap, 1},
	{"a line is removed", on(func(l []string) []string { return slices.Delete(l, 3, 4) }), SeqGap, 4},
	{"three lines are removed", on(func(l []string) []string { return slices.Delete(l, 3, 6) }), SeqGap, 4},
	{"the last line of a file is removed", on(func(l []string) []string { return l[:len(l)-1] }), Missing, nextFile},
	{"two lines are swapped", on(func(l []string) []string { l[3], l[4] = l[4], l[3]; return l }), SeqGap, 4},
	{"a line is put in twice", on(func(l []string) []string { return slices.Insert(l, 4, l[3]) }), SeqGap, 5},
	{"an old line is put in", on(func(l []string) []string { return slices.Insert(l, 4, l[0]) }), SeqGap, 5},
	{"a line is made up", on(func(l []string) []string {
		e, _ := decode([]byte(strings.TrimSuffix(l[3], "\n")))
		_, line := entry(99).clean().seal(e.Head(), nil)
		return slices.Insert(l, 4, string(line))
	}), SeqGap, 6},
	{"a blank line is put in", on(func(l []string) []string { return slices.Insert(l, 4, "\n") }), NoEntry, 5},
	{
		"a huge line is put in",
		on(func(l []string) []string { return slices.Insert(l, 4, strings.Repeat("x", 3*maxLine)+"\n") }),
		NoEntry,
		5,
	},
	{"a file is emptied", func(t testing.TB, f []string) { testkit.Must(t, os.Truncate(f[2], 0)) }, Truncated, 0},
	{"a file loses its end", func(t testing.TB, f []string) { testkit.Must(t, os.Truncate(f[2], 1000)) }, Truncated, 3},
	{
		"a file loses a newline",
		func(t testing.TB, f []string) { testkit.Must(t, os.Truncate(f[2], int64(len(read(t, f[2])))-1)) },
		Truncated,
		lastLine,
	},
	{"a file is removed", func(t testing.TB, f []string) { testkit.Must(t, os.Remove(f[2])) }, Missing, nextFile},
	{"a file is copied", func(t testing.TB, f []string) {
		testkit.Must(t, os.WriteFile(strings.Replace(f[2], "-10", "-11", 1), read(t, f[2]), 0o600))
	}, SeqGap, otherFile},
	{"a file has the number of another", func(t testing.TB, f []string) {
		testkit.Must(t, os.Rename(f[2], strings.Replace(f[2], "23.jsonl", "24.jsonl", 1)))
	}, Missing, otherFile},
}

const (
	nextFile  = -1 // the fourth file as a whole
	otherFile = -2 // a file that was added
	lastLine  = -3
)

// swapHex replaces a hexadecimal digit.
func swapHex(lines []string, line, at int) []string {
	b := []byte(lines[line])
	b[at] = "1032547698badcfe"[strings.IndexByte("0123456789abcdef", b[at])]
	lines[line] = string(b)
	return lines
}

func TestTampering(t *testing.T) {
	for _, test := range tampering {
		t.Run(test.name, func(t *testing.T) {
			dir, head := writtenLog(t, 60)
			files := names(t, dir)
			test.do(t, files)
			r := verified(t, dir)
			t.Log(r)
			if r.Sound() {
				t.Fatal("it is not found")
			}
			file, line := files[2], test.line
			switch line {
			case nextFile:
				file, line = files[3], 0
			case lastLine:
				line = r.Break.Line
			case otherFile:
				file, line = dir+"/"+r.Break.File, 0
			}
			if b := r.Break; b.Reason != test.reason || dir+"/"+b.File != file || b.Line != line {
				t.Errorf("want %s in %s, line %d", test.reason, file, line)
			}
			if r.Head != head {
				t.Errorf("the newest entry is %v, want %v", r.Head, head)
			}
		})
	}
}

// TestWhatOnlyAHeadShows makes changes that leave a sound chain.
func TestWhatOnlyAHeadShows(t *testing.T) {
	for name, test := range map[string]struct {
		do     func(t testing.TB, files []string)
		reason Reason
	}{
		"the newest line is removed": {func(t testing.TB, f []string) {
			edit(t, f[len(f)-1], func(l []string) []string { return l[:len(l)-1] })
		}, Short},
		"the newest files are removed": {func(t testing.TB, f []string) {
			for _, path := range f[3:] {
				testkit.Must(t, os.Remove(path))
			}
		}, Short},
		"the newest file is emptied": {
			func(t testing.TB, f []string) { testkit.Must(t, os.Truncate(f[len(f)-1], 0)) },
			Short,
		},
		"the newest line is written anew": {func(t testing.TB, f []string) {
			edit(t, f[len(f)-1], func(l []string) []string {
				l[len(l)-1] = reseal(strings.Replace(l[len(l)-1], "ada", "eve", 1))
				return l
			})
		}, HeadDiffers},
		"the whole log is written anew": {func(t testing.TB, f []string) {
			dir := f[0][:strings.LastIndexByte(f[0], '/')]
			testkit.Must(t, os.RemoveAll(dir))
			cfg := config(dir)
			cfg.Node = "another"
			l := openLog(t, cfg)
			for range 60 {
				if _, err := l.Append(Entry{Result: OK}); err != nil {
					t.Fatal(err)
				}
			}
			testkit.Must(t, l.Close())
		}, HeadDiffers},
	} {
		t.Run(name, func(t *testing.T) {
			dir, head := writtenLog(t, 60)
			sound(t, dir, 60, head)
			test.do(t, names(t, dir))
			if r := verified(t, dir); !r.Sound() || !strings.Contains(r.String(), "only a head recorded elsewhere") {
				t.Errorf("the report does not say what it cannot see: %v", r)
			}
			if r := verified(t, dir, head); r.Sound() || r.Break.Reason != test.reason {
				t.Errorf("with the head: %v", r)
			}
		})
	}
}

func TestKnownHeads(t *testing.T) {
	dir, _ := writtenLog(t, 60)
	var heads []Head
	for _, e := range all(t, dir) {
		heads = append(heads, e.Head())
	}
	if r := sound(t, dir, 60, append(heads, start)...); r.Compared != 60 || len(r.Skipped) != 0 {
		t.Errorf("%+v", r)
	}
	testkit.Must(t, os.Remove(names(t, dir)[0]))
	r := verified(t, dir, heads...)
	gone := int(r.Before.Seq)
	if !r.Sound() || r.Before != heads[gone-1] || len(r.Skipped) != gone-1 || r.Compared != 60-gone+1 {
		t.Errorf("without the oldest file: %+v", r)
	}
	r = verified(t, dir, Head{uint64(gone), strings.Repeat("1", 64)})
	if r.Sound() || r.Break.Reason != HeadDiffers {
		t.Errorf("another head before the first entry: %v", r)
	}
}

// TestAnyChangeIsFound changes bytes of a log in many random ways, and wants each change detected with a known head.
func TestAnyChangeIsFound(t *testing.T) {
	dir, head := writtenLog(t, 40)
	files := names(t, dir)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		path := files[random.IntN(len(files))]
		was := read(t, path)
		now := mutate(random, was)
		if string(now) == string(was) {
			continue
		}
		testkit.Must(t, os.WriteFile(path, now, 0o600))
		if r := verified(t, dir, head); r.Sound() {
			t.Fatalf("seed %d: %s is sound: %v, and was changed from\n%s\nto\n%s", seed, path, r, was, now)
		}
		testkit.Must(t, os.WriteFile(path, was, 0o600))
	}
	sound(t, dir, 40, head)
}

// mutate changes, removes, doubles, moves or adds bytes or lines.
func mutate(random *rand.Rand, was []byte) []byte {
	b := slices.Clone(was)
	at, n := random.IntN(len(b)), 1+random.IntN(4)
	if random.IntN(2) == 0 { // whole lines
		lines := strings.SplitAfter(string(b), "\n")
		lines = lines[:len(lines)-1]
		i, j := random.IntN(len(lines)), random.IntN(len(lines))
		switch random.IntN(3) {
		case 0:
			lines[i], lines[j] = lines[j], lines[i]
		case 1:
			lines = slices.Insert(lines, i, lines[j])
		default:
			lines = slices.Delete(lines, min(i, j), max(i, j)+1)
		}
		return []byte(strings.Join(lines, ""))
	}
	switch random.IntN(4) {
	case 0:
		b[at] ^= byte(1 + random.IntN(255))
	case 1:
		b = slices.Delete(b, at, min(len(b), at+n))
	case 2:
		b = slices.Insert(b, at, []byte("ab\n\"")[:n]...)
	default:
		b = b[:at]
	}
	return b
}
