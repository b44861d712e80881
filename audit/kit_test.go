package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy/internal/testkit"
)

// TestMain lets the test binary be a process that appends until it is killed, or until its disk is full.
func TestMain(m *testing.M) {
	if dir := os.Getenv("AUDIT_APPENDS"); dir != "" {
		appendForever(dir)
	}
	if dir := os.Getenv("AUDIT_FULL_DISK"); dir != "" {
		fillDisk(dir)
	}
	goleak.VerifyTestMain(m)
}

var began = time.Date(2026, 11, 25, 10, 15, 2, 1, time.UTC)

// entry returns the nth entry.
func entry(n int) Entry {
	return Entry{
		Node:   "convoy@a.test",
		User:   "ada",
		Role:   "admin",
		Addr:   "192.0.2.7",
		Action: "shell.open",
		Target: fmt.Sprintf("shell-%d", n),
		Result: OK,
		Detail: "80×24",
	}
}

// config returns a config whose clock advances by a second at each call.
func config(dir string) Config {
	now := began
	return Config{Dir: dir, Node: "convoy@a.test", Now: func() time.Time { now = now.Add(time.Second); return now }}
}

func newDir(t testing.TB) string { return filepath.Join(t.TempDir(), "audit") }

func openLog(t testing.TB, cfg Config) *Log {
	t.Helper()
	l, err := Open(cfg)
	testkit.Must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// add appends n entries, and returns them.
func add(t testing.TB, l *Log, n int) (list []Entry) {
	t.Helper()
	for range n {
		e, err := l.Append(entry(int(l.Head().Seq) + 1))
		testkit.Must(t, err)
		list = append(list, e)
	}
	return list
}

// writtenLog returns a closed log of n entries, about ten in each file, and its head.
func writtenLog(t testing.TB, n int) (dir string, head Head) {
	t.Helper()
	cfg := config(newDir(t))
	cfg.MaxBytes = 4 << 10
	l := openLog(t, cfg)
	add(t, l, n)
	testkit.Must(t, l.Close())
	return cfg.Dir, l.Head()
}

// names returns the files of a log, oldest first.
func names(t testing.TB, dir string) (list []string) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	testkit.Must(t, err)
	defer root.Close()
	files, err := filesOf(root)
	testkit.Must(t, err)
	for _, f := range files {
		list = append(list, filepath.Join(dir, f.name))
	}
	return list
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	testkit.Must(t, err)
	return b
}

// edit changes a file's lines, each with its newline.
func edit(t testing.TB, path string, change func(lines []string) []string) {
	t.Helper()
	lines := strings.SplitAfter(string(read(t, path)), "\n")
	testkit.Must(t, os.WriteFile(path, []byte(strings.Join(change(lines[:len(lines)-1]), "")), 0o600))
}

// verified returns the report of Verify.
func verified(t testing.TB, dir string, since ...Head) Report {
	t.Helper()
	r, err := Verify(dir, since...)
	testkit.Must(t, err)
	return r
}

// sound fails unless the log is sound and has that many entries.
func sound(t testing.TB, dir string, entries int, since ...Head) Report {
	t.Helper()
	r := verified(t, dir, since...)
	if !r.Sound() || r.Entries != entries {
		t.Fatalf("want %d entries: %v", entries, r)
	}
	return r
}

// all returns the entries of a log, oldest first, and skips other lines.
func all(t testing.TB, dir string) []Entry {
	t.Helper()
	list, err := Tail(dir, 1<<30, nil)
	testkit.Must(t, err)
	slices.Reverse(list)
	return list
}

// actions returns the log's own actions, oldest first.
func actions(t testing.TB, dir string) (list []string) {
	for _, e := range all(t, dir) {
		if e.Action != entry(0).Action {
			list = append(list, e.Action)
		}
	}
	return list
}
