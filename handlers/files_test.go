package handlers

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/access"
	"convoy/files"
	"convoy/handlers/session"
	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/logs"
)

// testUpload is the size of the largest file in these tests.
const testUpload = 1 << 20

// inDir opens a shell in a directory of its own.
func (n *testNode) inDir(t *testing.T) (s client.Shell, dir string) {
	t.Helper()
	dir = t.TempDir()
	s, term := n.open(t, n.client(t))
	testkit.Must(t, term.Type(testkit.Context(t), "cd '"+dir+"' && echo in-$((40+2))\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "in-42"))
	return s, dir
}

func filesPath(s client.Shell, key, value string) string {
	return s.Path() + "/files?" + url.Values{key: {value}}.Encode()
}

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

func TestFiles_ThereAndBack(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, dir := n.inDir(t)
	for _, size := range []int{0, 1, 100_000, testUpload} {
		name := fmt.Sprintf("ä \"%d\"; x.bin", size)
		body := make([]byte, size)
		rand.Read(body)
		answer := n.request(t, "POST", filesPath(s, "name", name), string(body), bearer)
		var put placed
		testkit.Must(t, json.NewDecoder(answer.Body).Decode(&put))
		if answer.StatusCode != 201 || put != (placed{name, dir, int64(size)}) {
			t.Fatalf("%d bytes: %s %+v", size, answer.Status, put)
		}
		answer = n.request(t, "GET", filesPath(s, "path", name), "", bearer)
		got, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		if answer.StatusCode != 200 || !bytes.Equal(got, body) || answer.ContentLength != int64(size) {
			t.Fatalf("%d bytes came back as %d: %s, length %d", size, len(got), answer.Status, answer.ContentLength)
		}
		kind, params, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
		if err != nil || kind != "attachment" || params["filename"] != name {
			t.Errorf("Content-Disposition %q", answer.Header.Get("Content-Disposition"))
		}
		if answer.Header.Get("Content-Type") != "application/octet-stream" ||
			answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("headers %v", answer.Header)
		}
	}
}

func TestFiles_Refused(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, dir := n.inDir(t)
	ended, err := n.client(t).Open(t.Context(), self)
	testkit.Must(t, err)
	testkit.Must(t, n.client(t).Input(testkit.Context(t), ended, 0, -1, []byte("exit\r")))
	waitEnded(t, n, ended.ID)
	testkit.Must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "large"), make([]byte, testUpload+1), 0o600))
	watcher := n.watch(t, s)
	long := strings.Repeat("x", testUpload+1)
	for _, test := range []struct {
		name, method, path, body string
		want                     int
		says                     string
	}{
		{"no name", "POST", s.Path() + "/files", "x", 400, "empty"},
		{"a path", "POST", filesPath(s, "name", "../x"), "x", 400, "slash"},
		{"a name with a newline", "POST", filesPath(s, "name", "a\nb"), "x", 400, "control"},
		{"a name in Latin-1", "POST", s.Path() + "/files?name=caf%E9", "x", 400, "UTF-8"},
		{"one byte too many", "POST", filesPath(s, "name", "x"), long, 413, "1 MiB"},
		{"who watches, up", "POST", filesPath(s, "name", "x") + "&viewer=" + watcher, "x", 403, "view-only"},
		{"who watches, down", "GET", filesPath(s, "path", "large") + "&viewer=" + watcher, "", 403, "view-only"},
		{"an odd viewer", "POST", filesPath(s, "name", "x") + "&viewer=x", "x", 400, "viewer"},
		{"no such shell", "POST", "/nodes/" + self + "/shells/nosuchone1/files?name=x", "x", 404, "no such shell"},
		{"a shell that has ended", "POST", filesPath(ended, "name", "x"), "x", 409, "ended"},
		{"from a shell that has ended", "GET", filesPath(ended, "path", "/etc/passwd"), "", 409, "ended"},
		{"no path", "GET", s.Path() + "/files", "", 400, "path"},
		{"nothing there", "GET", filesPath(s, "path", "nowhere"), "", 404, dir + "/nowhere"},
		{"nothing at home", "GET", filesPath(s, "path", "~/nowhere"), "", 404, "/home/test/nowhere"},
		{"no user's home", "GET", filesPath(s, "path", "~ada/x"), "", 404, dir + "/~ada/x"},
		{"a directory", "GET", filesPath(s, "path", "."), "", 400, "directory"},
		{"a pipe", "GET", filesPath(s, "path", "pipe"), "", 400, "pipe"},
		{"a device", "GET", filesPath(s, "path", "/dev/zero"), "", 400, "device"},
		{"too large to have", "GET", filesPath(s, "path", "large"), "", 413, "1 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := n.request(t, test.method, test.path, test.body, bearer)
			body, err := io.ReadAll(answer.Body)
			testkit.Must(t, err)
			if answer.StatusCode != test.want || !strings.Contains(string(body), test.says) {
				t.Errorf("got %d %s, want %d and %q", answer.StatusCode, body, test.want, test.says)
			}
		})
	}
	if list := names(t, dir); !slices.Equal(list, []string{"large", "pipe"}) {
		t.Errorf("the directory holds %q", list)
	}
}

// watch attaches a viewer that only watches.
func (n *testNode) watch(t *testing.T, s client.Shell) (viewer string) {
	t.Helper()
	viewer = "a-viewer-that-watches"
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(
		ctx, "GET", n.url+"/stream?want=none&watch=1&viewer="+viewer+"&shell="+s.Key()+"@-2", nil,
	)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	c := n.client(t)
	answer, err := c.HTTP.Do(r)
	testkit.Must(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	have := ""
	for b := make([]byte, 1024); !strings.Contains(have, "event: size"); {
		k, err := answer.Body.Read(b)
		testkit.Must(t, err)
		have += string(b[:k])
	}
	return viewer
}

// waitEnded waits for a shell's end.
func waitEnded(t *testing.T, n *testNode, id string) {
	t.Helper()
	s, err := n.Shells.Get(id)
	testkit.Must(t, err)
	testkit.Eventually(t, "the shell has ended", func() bool { return !s.Info().Running })
}

// Neither another site nor a stranger gets files.
func TestFiles_Strangers(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, dir := n.inDir(t)
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600))
	up, down := filesPath(s, "name", "x"), filesPath(s, "path", "secret")
	for _, test := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"GET", down, nil, 401},
		{"POST", up, nil, 401},
		{"GET", down, []string{bearer, "Sec-Fetch-Site: cross-site"}, 403},
		{"GET", down, []string{bearer, "Sec-Fetch-Site: same-site"}, 403},
		{"GET", down, []string{bearer, "Sec-Fetch-Site: same-origin"}, 200},
		{"POST", up, []string{bearer, "Sec-Fetch-Site: cross-site"}, 403},
		{"POST", up, []string{bearer, "Origin: http://evil.test"}, 403},
	} {
		if answer := n.request(t, test.method, test.path, "", test.headers...); answer.StatusCode != test.want {
			t.Errorf("%s %v: %s, want %d", test.method, test.headers, answer.Status, test.want)
		}
	}
	if list := names(t, dir); !slices.Equal(list, []string{"secret"}) {
		t.Errorf("the directory holds %q", list)
	}
}

// TestFiles_Chunked sends bodies of unknown length, up to the limit and beyond.
func TestFiles_Chunked(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, dir := n.inDir(t)
	for size, want := range map[int]int{testUpload: 201, testUpload + 1: 413, 10 * testUpload: 413} {
		r, err := http.NewRequestWithContext(
			testkit.Context(t), "POST", n.url+filesPath(s, "name", "chunked"),
			io.MultiReader(bytes.NewReader(make([]byte, size))),
		)
		testkit.Must(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		if r.ContentLength != 0 {
			t.Fatal("the length is told")
		}
		answer, err := n.client(t).HTTP.Do(r)
		if err != nil && size > 2*testUpload {
			continue // the connection is cut while it sends, which is as good an answer
		}
		testkit.Must(t, err)
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%d bytes: %s, want %d", size, answer.Status, want)
		}
	}
	testkit.Eventually(
		t, "one file is there, and nothing else", func() bool { return slices.Equal(names(t, dir), []string{"chunked"}) },
	)
}

// TestFiles_ClientVanishes breaks an upload off in the middle: by an end of the connection, and by silence.
func TestFiles_ClientVanishes(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"cut", "silent"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			n := start(t)
			if how == "silent" {
				n.site.WriteWait = 200 * time.Millisecond
			}
			s, dir := n.inDir(t)
			testkit.Eventually(t, "an upload is seen before it is given up", func() bool {
				return n.vanish(t, s, dir, how == "cut")
			})
		})
	}
}

// vanish sends half a file, and reports whether its part was seen. Nothing is left of it.
func (n *testNode) vanish(t *testing.T, s client.Shell, dir string, cut bool) (seen bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(testkit.Context(t))
	defer cancel()
	body, feed := io.Pipe()
	r, err := http.NewRequestWithContext(ctx, "POST", n.url+filesPath(s, "name", "half"), body)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.ContentLength = 1000
	c, done := n.client(t), make(chan error, 1)
	go func() {
		answer, err := c.HTTP.Do(r)
		if err == nil {
			answer.Body.Close()
		}
		done <- err
	}()
	feed.Write(make([]byte, 500)) //nolint:errcheck // the node may have given it up
	testkit.Eventually(t, "it is in progress or over", func() bool {
		seen = len(names(t, dir)) == 1
		return seen || len(done) > 0
	})
	if cut {
		cancel()
	}
	testkit.Eventually(t, "nothing is left of it", func() bool { return len(names(t, dir)) == 0 })
	cancel()
	feed.Close()
	<-done
	return seen
}

func TestFiles_DirectoryIsGone(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, dir := n.inDir(t)
	testkit.Must(t, os.Remove(dir))
	for _, answer := range []*http.Response{n.request(t, "POST", filesPath(s, "name", "x"), "x", bearer),
		n.request(t, "GET", filesPath(s, "path", "x"), "", bearer)} {
		body, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		if answer.StatusCode != 404 || !strings.Contains(string(body), dir) {
			t.Errorf("%s %s, want 404 and the directory", answer.Status, body)
		}
	}
}

// TestFiles_NoPlace has the file system refuse: it takes no files, or is full.
func TestFiles_NoPlace(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, term := n.open(t, n.client(t))
	testkit.Must(t, term.Type(testkit.Context(t), "cd /sys && echo in-$((40+2))\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "in-42"))
	answer := n.request(t, "POST", filesPath(s, "name", "x"), "x", bearer)
	body, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	if answer.StatusCode != 403 || !strings.Contains(string(body), "/sys/x") {
		t.Errorf("%s %s, want 403 and the path", answer.Status, body)
	}

	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	testkit.Must(t, err)
	defer full.Close()
	_, err = full.Write([]byte("x"))
	if p := explain(&files.Error{Path: "/dev/full", Err: err}); p.Status != http.StatusInsufficientStorage ||
		!strings.Contains(p.Hint, "full") {
		t.Errorf("a full disk: %+v", p)
	}
}

func TestFiles_SwitchedOff(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, _ := n.inDir(t)
	n.MaxUpload = 0
	for _, answer := range []*http.Response{n.request(t, "POST", filesPath(s, "name", "x"), "x", bearer),
		n.request(t, "GET", filesPath(s, "path", "/etc/passwd"), "", bearer)} {
		if answer.StatusCode != 403 {
			t.Errorf("%s, want 403", answer.Status)
		}
	}
}

// TestFiles_Audit looks for a line in the log for each file, without its name and what is in it.
func TestFiles_Audit(t *testing.T) {
	t.Parallel()
	n := start(t)
	s, _ := n.inDir(t)
	n.request(t, "POST", filesPath(s, "name", "list.txt"), "the contents", bearer)
	n.request(t, "GET", filesPath(s, "path", "list.txt"), "", bearer)
	n.request(
		t,
		"GET",
		filesPath(s, "path", "nowhere"),
		"",
		bearer,
		session.AssertionHeader+": "+session.Assertion{
			Who:   access.Identity{User: "x"},
			Addr:  "192.0.2.1",
			Until: time.Now(),
		}.Sign(keyOf('x')),
	)
	var got []string
	for _, line := range n.Logs.Tail(3) {
		attrs := map[string]string{}
		for _, a := range line.Attrs {
			attrs[a.Key] = a.Value
		}
		if attrs["user"] != access.ConsoleToken || !strings.HasPrefix(attrs["addr"], "127.0.0.1:") || attrs["node"] != self ||
			attrs["shell"] != s.ID {
			t.Errorf("the log says %v", attrs)
		}
		got = append(got, strings.TrimSpace(line.Message+" "+attrs["n"]+" "+attrs["status"]))
	}
	if want := []string{"file uploaded 12", "file downloaded 12", "file not downloaded 0 404"}; !slices.Equal(got, want) {
		t.Errorf("the log says %q, want %q", got, want)
	}
	for _, secret := range []string{"the contents", "list.txt", "nowhere"} {
		if slices.ContainsFunc(n.Logs.Tail(100), func(l logs.Line) bool { return strings.Contains(fmt.Sprint(l), secret) }) {
			t.Errorf("%q is in the log", secret)
		}
	}
}
