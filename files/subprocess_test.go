package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"convoy/internal/testkit"
)

const asServer = "CONVOY_TEST_SERVES_FILES"

func init() {
	if os.Getenv(asServer) == "" {
		return
	}
	if err := Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// subprocess runs the test binary as the other process.
func subprocess() Subprocess {
	return Subprocess{Command: func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{asServer + "=1"}
		return cmd
	}}
}

func TestSubprocess_Put(t *testing.T) {
	dir := t.TempDir()
	e := subprocess()
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<19) // 8 MiB
	for i, want := range []string{"a.bin", "a (2).bin"} {
		put, err := e.Put(dir, "a.bin", bytes.NewReader(large[i:]), int64(len(large)))
		testkit.Must(t, err)
		if got, err := os.ReadFile(filepath.Join(dir, want)); err != nil || put != (Stored{want, int64(len(got))}) ||
			!bytes.Equal(got, large[i:]) {
			t.Errorf("placed %+v, %v, want %s", put, err, want)
		}
	}
	f, err := e.Open(dir, "a.bin", int64(len(large)))
	testkit.Must(t, err)
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, large) || f.Name != "a.bin" || f.Bytes != int64(len(large)) {
		t.Errorf("took %d bytes as %+v, %v", len(got), f, err)
	}
	testkit.Must(t, f.Close())
	f, err = e.Open(dir, "a.bin", int64(len(large)))
	testkit.Must(t, err)
	testkit.Must(t, f.Close()) // in the middle: nothing hangs
}

// Errors are the same as in this process, and an incomplete file does not appear.
func TestSubprocess_Errors(t *testing.T) {
	dir := t.TempDir()
	testkit.Must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "six"), []byte("123456"), 0o600))
	before := names(t, dir)
	e := subprocess()
	var limit *LimitError
	var kind *TypeError
	var source *SourceError
	var system *Error
	for _, broken := range []error{os.ErrDeadlineExceeded, io.ErrUnexpectedEOF} {
		if _, err := e.Put(
			dir, "half", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), 1000,
		); !errors.As(err, &source) || !errors.Is(err, broken) {
			t.Errorf("a source that breaks: %v", err)
		}
	}
	if _, err := e.Put(dir, "over", strings.NewReader(strings.Repeat("x", 1<<20)), 5); !errors.As(err, &limit) ||
		limit.Limit != 5 {
		t.Errorf("too long: %v", err)
	}
	if _, err := e.Put(dir, "../x", strings.NewReader("x"), 5); !errors.Is(err, ErrName) {
		t.Errorf("no name: %v", err)
	}
	if _, err := e.Put(dir+"/none", "x", strings.NewReader("x"), 5); !errors.As(err, &system) ||
		!errors.Is(err, syscall.ENOENT) {
		t.Errorf("no directory: %v", err)
	}
	if _, err := e.Open(dir, "pipe", 5); !errors.As(err, &kind) || kind.Mode&os.ModeNamedPipe == 0 {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := e.Open(dir, "six", 5); !errors.As(err, &limit) {
		t.Errorf("too large: %v", err)
	}
	if _, err := e.Open(dir, "none", 5); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("not there: %v", err)
	}
	if after := names(t, dir); !slices.Equal(after, before) {
		t.Errorf("the directory holds %q", after)
	}
}

// An error has what a process that ends printed to standard error.
func TestSubprocess_Ends(t *testing.T) {
	dir := t.TempDir()
	dead := Subprocess{Command: func() *exec.Cmd { return exec.Command("/bin/sh", "-c", "echo it is over >&2; exit 1") }}
	if _, err := dead.Put(dir, "x", strings.NewReader(strings.Repeat("x", 1<<20)), 1<<20); err == nil ||
		!strings.Contains(err.Error(), "it is over") {
		t.Errorf("a process that ends: %v", err)
	}
	if _, err := dead.Open(dir, "six", 10); err == nil || !strings.Contains(err.Error(), "it is over") {
		t.Errorf("a process that ends: %v", err)
	}
}

// FuzzServe: every request gets a response or an error, and creates no file outside the directory.
func FuzzServe(f *testing.F) {
	f.Add([]byte(`{"put":true,"name":"a","limit":10}` + "\n5\r\nhello\r\n0\r\n\r\n"))
	f.Add([]byte(`{"name":"a","limit":10}` + "\n"))
	f.Add([]byte("{\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		if bytes.Contains(line, []byte(`\u`)) || bytes.Contains(bytes.ToLower(line), []byte(`"dir`)) ||
			bytes.Contains(line, []byte("/")) {
			t.Skip() // the path of this test's own directory comes first
		}
		line = bytes.Replace(line, []byte("{"), fmt.Appendf(nil, "{%q:%q,", "dir", t.TempDir()), 1)
		var out bytes.Buffer
		err := Serve(io.MultiReader(bytes.NewReader(line), strings.NewReader("\n"), bytes.NewReader(rest)), &out)
		if err == nil && !bytes.Contains(out.Bytes(), []byte("\n")) {
			t.Error("neither an answer nor an error")
		}
	})
}
