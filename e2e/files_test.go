package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/access"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// twoByHand are two nodes that know one another, and a shell of b in a directory of its own.
func twoByHand(t *testing.T, args ...string) (a, b byHand, s client.Shell, dir string) {
	t.Helper()
	dir = t.TempDir()
	a, b = startByHand(t, "a.test", args...), startByHand(t, "b.test", append(args, "-dir", dir)...)
	a.joins(t, b.at)
	(&running{Client: a.Client}).until(t, "a sees b", has("convoy@b.test", "alive"))
	s, err := a.Open(testkit.Context(t), "convoy@b.test")
	testkit.Must(t, err)
	return a, b, s, dir
}

// send makes a request for a file by way of a console.
func (a byHand) send(ctx context.Context, t *testing.T, method, path string, body io.Reader) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, a.Base+path, body)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+a.Token)
	answer, err := a.HTTP.Do(r)
	testkit.Must(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// A file of many windows of the hop goes to a shell on another node, and comes back.
func TestFiles_AcrossNodes(t *testing.T) {
	t.Parallel()
	a, b, s, dir := twoByHand(t, "-max-upload", "16MiB")
	body := make([]byte, 16<<20)
	rand.Read(body)
	answer := a.send(testkit.Context(t), t, "POST", s.Path()+"/files?name=big.bin", bytes.NewReader(body))
	said, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	if answer.StatusCode != 201 || !strings.Contains(string(said), `"bytes":16777216`) {
		t.Fatalf("%s %s", answer.Status, said)
	}
	stored, err := os.ReadFile(filepath.Join(dir, "big.bin"))
	if err != nil || sha256.Sum256(stored) != sha256.Sum256(body) {
		t.Fatalf("what is stored is another file: %d bytes, %v", len(stored), err)
	}
	answer = a.send(testkit.Context(t), t, "GET", s.Path()+"/files?path=big.bin", nil)
	hash := sha256.New()
	n, err := io.Copy(hash, answer.Body)
	if err != nil || n != int64(len(body)) || answer.ContentLength != n || [32]byte(hash.Sum(nil)) != sha256.Sum256(body) {
		t.Errorf("%d bytes came back, of %d told, %v", n, answer.ContentLength, err)
	}
	if kind := answer.Header.Get("Content-Disposition"); kind != "attachment; filename=big.bin" {
		t.Errorf("Content-Disposition %q", kind)
	}
	var log struct {
		Lines []struct {
			Message string
			Attrs   map[string]string
		}
	}
	testkit.Eventually(t, "b says for whom it was", func() bool { // after its last byte
		testkit.Must(t, b.Do(testkit.Context(t), http.MethodGet, "/nodes/convoy@b.test/log?from=0", nil, &log))
		for _, line := range log.Lines {
			if line.Message == "file downloaded" && line.Attrs["user"] == access.ConsoleToken && line.Attrs["addr"] != "" {
				return true
			}
		}
		return false
	})
}

// Refusals of the other node arrive as they are, and limits hold on both.
func TestFiles_RefusedAcrossNodes(t *testing.T) {
	t.Parallel()
	a, _, s, dir := twoByHand(t, "-max-upload", "2MiB")
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "large"), make([]byte, 2<<20+1), 0o600))
	for _, test := range []struct {
		name, method, path string
		body               io.Reader
		want               int
		says               string
	}{
		{"exactly the limit", "POST", "name=full", bytes.NewReader(make([]byte, 2<<20)), 201, "full"},
		{"one byte too many", "POST", "name=over", bytes.NewReader(make([]byte, 2<<20+1)), 413, "2 MiB"},
		{"one byte too many, untold", "POST", "name=over", io.MultiReader(bytes.NewReader(make([]byte, 2<<20+1))), 413,
			"2 MiB"},
		{"untold", "POST", "name=untold", io.MultiReader(bytes.NewReader(make([]byte, 1<<20))), 201, "untold"},
		{"empty", "POST", "name=empty", nil, 201, `"bytes":0`},
		{"a bad name", "POST", "name=a/b", strings.NewReader("x"), 400, "slash"},
		{"too large to have", "GET", "path=large", nil, 413, "2 MiB"},
		{"nothing there", "GET", "path=nowhere", nil, 404, dir + "/nowhere"},
	} {
		answer := a.send(testkit.Context(t), t, test.method, s.Path()+"/files?"+test.path, test.body)
		text, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		if answer.StatusCode != test.want || !strings.Contains(string(text), test.says) {
			t.Errorf("%s: %s %s, want %d and %q", test.name, answer.Status, text, test.want, test.says)
		}
	}
	for size, want := range map[string]struct{ put, get int }{"1MiB": {413, 413}, "0": {403, 403}} {
		host := "limit-" + strings.ToLower(size) + ".test"
		c := startByHand(t, host, "-max-upload", size, "-dir", dir)
		a.joins(t, c.at)
		(&running{Client: a.Client}).until(t, "a sees c", has(c.name, "alive"))
		s, err := a.Open(testkit.Context(t), c.name)
		testkit.Must(t, err)
		answer := a.send(
			testkit.Context(t), t, "POST", s.Path()+"/files?name=over", io.MultiReader(bytes.NewReader(make([]byte, 2<<20))),
		)
		if answer.StatusCode != want.put {
			t.Errorf("-max-upload %s at the owner alone, up: %s, want %d", size, answer.Status, want.put)
		}
		if answer := a.send(testkit.Context(t), t, "GET", s.Path()+"/files?path=full", nil); answer.StatusCode != want.get {
			t.Errorf("-max-upload %s at the owner alone, down: %s, want %d", size, answer.Status, want.get)
		}
	}
}

// A client that goes away in the middle leaves nothing on the other node.
func TestFiles_BreakOffAcrossNodes(t *testing.T) {
	t.Parallel()
	a, _, s, dir := twoByHand(t, "-max-upload", "1GiB")
	ctx, cancel := context.WithCancel(testkit.Context(t))
	in, feed := io.Pipe()
	r, err := http.NewRequestWithContext(ctx, "POST", a.Base+s.Path()+"/files?name=half", in)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+a.Token)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if answer, err := a.HTTP.Do(r); err == nil {
			answer.Body.Close()
		}
	}()
	_, err = feed.Write(make([]byte, 5<<20))
	testkit.Must(t, err)
	entries := func() int { list, _ := os.ReadDir(dir); return len(list) }
	testkit.Eventually(t, "it is in progress", func() bool { return entries() == 1 })
	cancel()
	testkit.Eventually(t, "nothing is left", func() bool { return entries() == 0 })
	feed.Close()
	<-done
}
