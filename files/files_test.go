package files

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"convoy/internal/testkit"
)

var here Local

// names lists a directory.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	testkit.Must(t, err)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestPut(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []string{"notes.txt", "notes (2).txt", "notes (3).txt"} {
		text := strings.Repeat("x", 100*i) // the first is empty
		put, err := here.Put(dir, "notes.txt", strings.NewReader(text), 1000)
		testkit.Must(t, err)
		if put != (Stored{want, int64(len(text))}) {
			t.Errorf("placed %+v, want %s of %d bytes", put, want, len(text))
		}
		got, err := os.ReadFile(filepath.Join(dir, want))
		if err != nil || string(got) != text {
			t.Errorf("%s holds %d bytes, %v, want %d", want, len(got), err, len(text))
		}
	}
	if list := names(t, dir); len(list) != 3 {
		t.Errorf("the directory holds %q, want three files", list)
	}
}

// TestPut_Mode: the umask applies.
func TestPut_Mode(t *testing.T) {
	dir := t.TempDir()
	_, err := here.Put(dir, "a", strings.NewReader("x"), 10)
	testkit.Must(t, err)
	old := syscall.Umask(0)
	syscall.Umask(old)
	at, err := os.Stat(filepath.Join(dir, "a"))
	testkit.Must(t, err)
	if want := fs.FileMode(0o644 &^ old); at.Mode() != want {
		t.Errorf("mode %v, want %v", at.Mode(), want)
	}
}

func TestPut_Limit(t *testing.T) {
	dir := t.TempDir()
	if put, err := here.Put(dir, "exact", strings.NewReader("12345"), 5); err != nil || put.Bytes != 5 {
		t.Errorf("exactly the limit: %+v, %v", put, err)
	}
	var limit *LimitError
	if _, err := here.Put(dir, "over", strings.NewReader("123456"), 5); !errors.As(err, &limit) || limit.Limit != 5 {
		t.Errorf("one byte more: %v, want a LimitError", err)
	}
	if list := names(t, dir); !slices.Equal(list, []string{"exact"}) {
		t.Errorf("the directory holds %q", list)
	}
}

func TestPut_ConcurrentSameName(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			content := bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, 100_000))
			if _, err := here.Put(dir, "same", content, 1<<20); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[byte]bool{}
	for _, name := range names(t, dir) {
		got, err := os.ReadFile(filepath.Join(dir, name))
		testkit.Must(t, err)
		if len(got) != 100_000 || bytes.Count(got, got[:1]) != len(got) || seen[got[0]] {
			t.Errorf("%s holds %d bytes, mixed or twice", name, len(got))
			continue
		}
		seen[got[0]] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d of 20 files are there", len(seen))
	}
}

// TestPut_Links: nothing is written through a link.
func TestPut_Links(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	testkit.Must(t, os.Symlink(filepath.Join(other, "stolen"), filepath.Join(dir, "a.txt")))
	testkit.Must(t, os.Symlink(other, filepath.Join(dir, "away")))
	for name, want := range map[string]string{"a.txt": "a (2).txt", "away": "away (2)"} {
		put, err := here.Put(dir, name, strings.NewReader("text"), 10)
		if err != nil || put.Name != want {
			t.Errorf("put %s: %+v, %v, want %s", name, put, err, want)
		}
	}
	if list := names(t, other); len(list) > 0 {
		t.Errorf("%q went where the link leads", list)
	}
}

func TestPut_Fails(t *testing.T) {
	broken := errors.New("the line is dead")
	for name, test := range map[string]struct {
		dir    string
		source io.Reader
		want   error
	}{
		"source breaks off":        {"", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken},
		"directory is gone":        {"/nonexistent/dir", strings.NewReader("x"), fs.ErrNotExist},
		"directory takes no files": {"/sys", strings.NewReader("x"), fs.ErrPermission},
	} {
		dir := test.dir
		if dir == "" {
			dir = t.TempDir()
		}
		var of *Error
		var source *SourceError
		_, err := here.Put(dir, "name", test.source, 100)
		if !errors.Is(err, test.want) || !errors.As(err, &of) && !errors.As(err, &source) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if strings.Contains(err.Error(), tempPrefix) {
			t.Errorf("%s: %v speaks of the temporary file", name, err)
		}
		if test.dir == "" && len(names(t, dir)) > 0 {
			t.Errorf("%s: %q is left", name, names(t, dir))
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{
		"a", "...", ".profile", "ä 🙂.txt", "-rf", "a:b*?", `a\b`, "~", strings.Repeat("x", 255),
	} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "a/b", "/", "../a", "a\x00", "a\nb", "a\x1bb", "a\u0085b", "a\x7f",
		"caf\xe9", strings.Repeat("x", 256)} {
		if err := CheckName(bad); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want ErrName", bad, err)
		}
	}
}

func TestNumbered(t *testing.T) {
	long := strings.Repeat("é", 127) // 254 bytes
	for _, test := range []struct{ name, want string }{
		{"a.txt", "a (2).txt"},
		{"a", "a (2)"},
		{".profile", ".profile (2)"},
		{"a.tar.gz", "a (2).tar.gz"},
		{".tar.gz", ".tar (2).gz"},
		{"a.", "a (2)."},
		{long, long[:250] + " (2)"},
	} {
		if got := numbered(test.name, 2); got != test.want {
			t.Errorf("numbered(%q) = %q, want %q", test.name, got, test.want)
		}
	}
}

// FuzzName stores a file twice under every accepted name: each time it gets a new name in the directory.
func FuzzName(f *testing.F) {
	for _, name := range []string{"a", "..", "a/b", "a\x00", ".tar.gz", "x.\xff", strings.Repeat("é", 127),
		"a.tar." + strings.Repeat("x", 245)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in")
		testkit.Must(t, os.Mkdir(dir, 0o755))
		if CheckName(name) != nil {
			if _, err := here.Put(dir, name, strings.NewReader("x"), 1); !errors.Is(err, ErrName) {
				t.Errorf("%q: %v, want ErrName", name, err)
			}
			return
		}
		for n := 1; n <= 2; n++ {
			put, err := here.Put(dir, name, strings.NewReader("x"), 1)
			testkit.Must(t, err)
			if list := names(t, dir); len(list) != n || !slices.Contains(list, put.Name) {
				t.Errorf("%q became %q in %q", name, put.Name, list)
			}
			if !utf8.ValidString(put.Name) {
				t.Errorf("%q became %q", name, put.Name)
			}
		}
		if list := names(t, outer); len(list) != 1 {
			t.Errorf("%q is outside of its directory", list)
		}
	})
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "caf\xe9"), []byte("coffee"), 0o600))
	testkit.Must(t, os.Symlink("caf\xe9", filepath.Join(dir, "link")))
	for path, name := range map[string]string{"caf\xe9": "caf\xe9", "link": "link", "./link": "link",
		"../" + filepath.Base(dir) + "/link": "link", filepath.Join(dir, "link"): "link"} {
		f, err := here.Open(dir, path, 6)
		testkit.Must(t, err)
		text, err := io.ReadAll(f)
		f.Close()
		if string(text) != "coffee" || err != nil || f.Name != name || f.Bytes != 6 {
			t.Errorf("%q: %q of %d bytes, %q, %v", path, f.Name, f.Bytes, text, err)
		}
	}
}

func TestOpen_Refuses(t *testing.T) {
	dir := t.TempDir()
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "large"), make([]byte, 101), 0o600))
	testkit.Must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	testkit.Must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	var kind *TypeError
	var limit *LimitError
	for path, is := range map[string]func(error) bool{
		"":             func(err error) bool { return errors.Is(err, ErrName) },
		"a\x00b":       func(err error) bool { return errors.Is(err, ErrName) },
		"nowhere":      func(err error) bool { return errors.Is(err, fs.ErrNotExist) },
		"large/x":      func(err error) bool { return errors.Is(err, syscall.ENOTDIR) },
		"loop":         func(err error) bool { return errors.Is(err, syscall.ELOOP) },
		"large":        func(err error) bool { return errors.As(err, &limit) && limit.Limit == 100 },
		"pipe":         func(err error) bool { return errors.As(err, &kind) && strings.Contains(err.Error(), "a pipe") },
		".":            func(err error) bool { return errors.As(err, &kind) && strings.Contains(err.Error(), "a directory") },
		"/dev/zero":    func(err error) bool { return errors.As(err, &kind) && strings.Contains(err.Error(), "a device") },
		"/proc/1/task": func(err error) bool { return errors.As(err, &kind) },
	} {
		if f, err := here.Open(dir, path, 100); err == nil || !is(err) {
			t.Errorf("%q: %v, %v", path, f, err)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1024: "1 KiB", 2150: "2.1 KiB",
		64 << 20: "64 MiB", 3 << 40: "3 TiB", 5000 << 40: "5000 TiB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
}
