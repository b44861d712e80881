package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// reopened opens and closes a log, which notices changes to it.
func reopened(t testing.TB, dir string) {
	t.Helper()
	cfg := config(dir)
	cfg.MaxBytes = 4 << 10
	testkit.Must(t, openLog(t, cfg).Close())
}

func TestIncompleteLine(t *testing.T) {
	for name, test := range map[string]struct {
		entries int
		tear    func(b []byte) []byte
		kept    int
	}{
		"in the middle":      {3, func(b []byte) []byte { return b[:len(b)-100] }, 2},
		"before its newline": {3, func(b []byte) []byte { return b[:len(b)-1] }, 2},
		"after a byte":       {3, func(b []byte) []byte { return append(b, '{') }, 3},
		"of zeros":           {3, func(b []byte) []byte { return append(b, make([]byte, 5000)...) }, 3},
		"the first of all":   {1, func(b []byte) []byte { return b[:20] }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := writtenLog(t, test.entries)
			path := names(t, dir)[0]
			whole := read(t, path)
			testkit.Must(t, os.WriteFile(path, test.tear(slices.Clone(whole)), 0o600))
			if r := verified(t, dir); r.Sound() || r.Break.Reason != Truncated || r.Break.Line != test.kept+1 {
				t.Errorf("before it is opened: %v", r)
			}
			reopened(t, dir)
			sound(t, dir, test.kept+1)
			list := all(t, dir)
			last := list[len(list)-1]
			if last.Action != Recovered || last.Target != filepath.Base(path) ||
				!strings.Contains(last.Detail, "incomplete line") {
				t.Errorf("recorded as %+v", last)
			}
			reopened(t, dir)
			sound(t, dir, test.kept+1)
		})
	}
}

// TestVerifyWhileWriting verifies a log whose writer is in the middle of a line.
func TestVerifyWhileWriting(t *testing.T) {
	cfg := config(newDir(t))
	l := openLog(t, cfg)
	add(t, l, 2)
	_, err := l.file.WriteString(`{"seq":3,`)
	testkit.Must(t, err)
	sound(t, cfg.Dir, 2)
	if list, err := Tail(cfg.Dir, 9, nil); err != nil || len(list) != 2 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestBrokenAtOpen tampers with a log in every way, and opens it: the log continues, records what it found, and records
// it once.
func TestBrokenAtOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, test := range tampering {
		t.Run(test.name, func(t *testing.T) {
			dir, _ := writtenLog(t, 60)
			files := names(t, dir)
			testkit.Must(t, os.RemoveAll(files[5]))
			testkit.Must(t, os.RemoveAll(files[4]))
			if test.line != nextFile {
				testkit.Must(t, os.RemoveAll(files[3])) // the damaged file is the last one
			}
			test.do(t, files)
			was := verified(t, dir)
			if was.Sound() || test.reason == Truncated && test.line != 0 {
				return // the newest line is removed, or incomplete
			}
			reopened(t, dir)
			now := verified(t, dir)
			if now.Sound() || *now.Break != *was.Break {
				t.Errorf("the break was %v, and is now %v", was.Break, now.Break)
			}
			list := actions(t, dir)
			if !slices.Equal(list, []string{Broken}) {
				t.Errorf("recorded: %v", list)
			}
			reopened(t, dir)
			if again := verified(t, dir); again.Entries != now.Entries {
				t.Errorf("recorded again: %v", again)
			}
			wantOneBreak(t, dir)
		})
	}
}

// wantOneBreak wants the chain to be sound in the file that the break began, and after it.
func wantOneBreak(t *testing.T, dir string) {
	t.Helper()
	files := names(t, dir)
	l := openLog(t, config(dir))
	add(t, l, 3)
	testkit.Must(t, l.Close())
	rest := t.TempDir()
	last := files[len(files)-1]
	testkit.Must(t, os.WriteFile(filepath.Join(rest, filepath.Base(last)), read(t, last), 0o600))
	sound(t, rest, 4)
}

// TestManyBreaks damages several files, and leaves an incomplete last line: each file is recorded once.
func TestManyBreaks(t *testing.T) {
	dir, _ := writtenLog(t, 60)
	files := names(t, dir)
	testkit.Must(t, os.Remove(files[1]))
	edit(t, files[3], func(l []string) []string { l[0] = strings.Replace(l[0], "ada", "eve", 1); return l })
	testkit.Must(t, os.Truncate(files[4], 1000))
	testkit.Must(t, os.WriteFile(files[5], append(read(t, files[5]), `{"seq":`...), 0o600))
	reopened(t, dir)
	if got := actions(t, dir); !slices.Equal(got, []string{Broken, Broken, Broken, Recovered}) {
		t.Errorf("recorded: %v", got)
	}
	reopened(t, dir)
	if got := actions(t, dir); len(got) != 4 {
		t.Errorf("recorded again: %v", got)
	}
}

func TestEmptyLastFile(t *testing.T) {
	dir, head := writtenLog(t, 12)
	// created just before a crash
	testkit.Must(t, os.WriteFile(fmt.Sprintf("%s/audit-20261125-120000-%016d.jsonl", dir, 13), nil, 0o600))
	sound(t, dir, 12, head)
	reopened(t, dir)
	l := openLog(t, config(dir))
	add(t, l, 1)
	if r := sound(t, dir, 13, head); r.Files != 3 {
		t.Errorf("%+v", r)
	}
}

// TestFileChangedWhileOpen changes a log that is open.
func TestFileChangedWhileOpen(t *testing.T) {
	for name, do := range map[string]func(path string) error{
		"removed":  os.Remove,
		"moved":    func(path string) error { return os.Rename(path, path+".old") },
		"emptied":  func(path string) error { return os.Truncate(path, 0) },
		"cut":      func(path string) error { return os.Truncate(path, 1000) },
		"replaced": func(path string) error { os.Remove(path); return os.WriteFile(path, nil, 0o600) },
		"added to": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				f.WriteString("x")
				err = f.Close()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(newDir(t))
			l := openLog(t, cfg)
			add(t, l, 5)
			testkit.Must(t, do(names(t, cfg.Dir)[0]))
			e, err := l.Append(entry(6))
			if err != nil || e.Seq != 7 {
				t.Fatalf("appended as %+v, %v", e, err)
			}
			if r := verified(t, cfg.Dir, e.Head()); r.Sound() && r.Before.Seq != 5 {
				t.Errorf("%v", r)
			}
			list, err := Tail(cfg.Dir, 2, nil)
			if err != nil || len(list) != 2 || list[1].Action != Broken || list[0] != e {
				t.Errorf("recorded as %+v, %v", list, err)
			}
		})
	}
}

func TestDirectoryRemovedWhileOpen(t *testing.T) {
	cfg := config(newDir(t))
	l := openLog(t, cfg)
	add(t, l, 1)
	testkit.Must(t, os.RemoveAll(cfg.Dir))
	if e, err := l.Append(entry(2)); err == nil {
		t.Errorf("entry %d was acknowledged, and is nowhere", e.Seq)
	}
}
