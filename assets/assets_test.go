package assets

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// sample is a small tree with one file of each relevant kind.
func sample(t *testing.T) *tree {
	t.Helper()
	got, err := read(fstest.MapFS{
		"css/console.css":  {Data: []byte(strings.Repeat("a { color: red }\n", 200))},
		"js/console.js":    {Data: []byte("import './stream.js'")},
		"icons.svg":        {Data: []byte("<svg/>")},
		"vendor/x/x.mjs":   {Data: []byte("export {}")},
		"vendor/x/LICENSE": {Data: []byte("free")},
		"vendor/lock.json": {Data: []byte("[]")},
		"favicon.png":      {Data: []byte(strings.Repeat("\x89PNG", 1000))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (t *tree) content(tb testing.TB, name string) []byte {
	tb.Helper()
	body, err := fs.ReadFile(t.root, name)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// ask sends one request to the tree and returns the response.
func ask(tr *tree, method, path string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	tr.serve(w, r)
	return w.Result()
}

func TestServe(t *testing.T) {
	t.Parallel()
	tr := sample(t)
	base := prefix + tr.build + "/"
	for _, test := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", base + "css/console.css", 200, "text/css; charset=utf-8"},
		{"HEAD", base + "css/console.css", 200, "text/css; charset=utf-8"},
		{"GET", base + "js/console.js", 200, "text/javascript; charset=utf-8"},
		{"GET", base + "vendor/x/x.mjs", 200, "text/javascript; charset=utf-8"},
		{"GET", base + "vendor/x/LICENSE", 200, "text/plain; charset=utf-8"},
		{"GET", base + "vendor/lock.json", 200, "application/json"},
		{"GET", base + "icons.svg", 200, "image/svg+xml"},
		{"GET", base + "favicon.png", 200, "image/png"},
		{"GET", base + "assets.go", 404, ""},
		{"GET", base + "css", 404, ""},
		{"GET", base + "css/", 404, ""},
		{"GET", base + "css/../assets.go", 404, ""},
		{"GET", base, 404, ""},
		{"GET", prefix + "css/console.css", 404, ""},
		{"GET", prefix + "0123456789abcdef/css/console.css", 404, ""},
		{"POST", base + "css/console.css", 405, ""},
	} {
		res := ask(tr, test.method, test.path, nil)
		if res.StatusCode != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, res.StatusCode, test.status)
		}
		immutable := strings.Contains(res.Header.Get("Cache-Control"), "immutable")
		if immutable != (test.status == 200) {
			t.Errorf("%s %s: Cache-Control %q", test.method, test.path, res.Header.Get("Cache-Control"))
		}
		if test.kind != "" && res.Header.Get("Content-Type") != test.kind {
			t.Errorf("%s %s: Content-Type %q, want %q", test.method, test.path, res.Header.Get("Content-Type"), test.kind)
		}
	}
}

func TestServeCompressed(t *testing.T) {
	t.Parallel()
	tr := sample(t)
	plain := string(tr.content(t, "css/console.css"))
	for _, test := range []struct {
		accept, asked string // Accept-Encoding, Range
		gzip          bool
	}{
		{"gzip, deflate, br", "", true},
		{"br, gzip;q=0.5", "", true},
		{"gzip; q=0", "", false},
		{"br", "", false},
		{"", "", false},
		{"gzip", "bytes=0-", false},
	} {
		h := http.Header{"Accept-Encoding": {test.accept}}
		if test.asked != "" {
			h.Set("Range", test.asked)
		}
		res := ask(tr, "GET", prefix+tr.build+"/css/console.css", h)
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != test.gzip {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v", test.accept, got, test.gzip)
		}
		var body io.Reader = res.Body
		if test.gzip {
			z, err := gzip.NewReader(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != plain {
			t.Errorf("Accept-Encoding %q: body of %d bytes, %v; want %d", test.accept, len(got), err, len(plain))
		}
	}
}

func TestBuildFollowsEveryFile(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"css/a.css": {Data: []byte("a")}, "js/b.js": {Data: []byte("b")}}
	seen := map[string]string{}
	note := func(what string) {
		tr, err := read(files)
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[tr.build]; ok {
			t.Errorf("%s: same build as %s", what, before)
		}
		seen[tr.build] = what
	}
	note("as it was")
	files["js/b.js"] = &fstest.MapFile{Data: []byte("B")}
	note("content changed")
	files["js/c.js"] = files["js/b.js"]
	delete(files, "js/b.js")
	note("file renamed")
}

// TestMapsLeadToSources checks that developer tools find what the source maps name.
func TestMapsLeadToSources(t *testing.T) {
	t.Parallel()
	tr, sources := whole(), 0
	for name := range tr.files {
		if path.Ext(name) != ".map" {
			continue
		}
		var m struct{ Sources []string }
		if err := json.Unmarshal(tr.content(t, name), &m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sources += len(m.Sources)
		for _, source := range m.Sources {
			if _, ok := tr.files[path.Join(path.Dir(name), source)]; !ok {
				t.Errorf("%s names %s, which is not served", name, source)
			}
		}
	}
	if sources < 100 {
		t.Errorf("the maps name only %d sources", sources)
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	path := URL("vendor/lock.json")
	if want := "/assets/" + Build() + "/vendor/lock.json"; path != want {
		t.Fatalf("URL = %q, want %q", path, want)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if w.Code != 200 {
		t.Errorf("GET %s: status %d, want 200", path, w.Code)
	}
}
