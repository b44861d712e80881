// Package assets contains what a page loads besides HTML: icons, the vendored libraries of vendor/lock.json, and dist,
// the scripts and style sheets that internal/tools/bundle makes from js and css. The sources are served, too, for
// developer tools.
//
// The PNG icons are drawn from favicon.svg; the maskable one has its sign at 76 % on a square.
//
// Every file is served below /assets/HASH/, where HASH covers the whole tree. So relative imports stay within a build,
// responses can be cached forever, and a page never mixes builds: addresses of older builds are not found.
package assets

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:generate go run ../internal/tools/bundle

//go:embed css dist js vendor icons.svg favicon.svg favicon-waiting.svg icon-192.png icon-512.png icon-maskable.png
var embedded embed.FS

// prefix is the path of all assets.
const prefix = "/assets/"

// file is one asset. Its content stays in the program's pages, which the kernel shares and can drop.
type file struct {
	kind  string                 // content type
	small func() ([]byte, error) // gzip of the content, on demand; nil: it is served plain only
}

// tree is all files by path, and their hash.
type tree struct {
	root  fs.FS
	files map[string]file
	build string
}

// whole is loaded on first use: programs that serve nothing do not pay for it.
var whole = sync.OnceValue(func() *tree {
	t, err := read(embedded)
	if err != nil {
		panic(fmt.Sprintf("assets: %v", err)) // the files are part of the program
	}
	return t
})

// Build returns the hash of all assets.
func Build() string { return whole().build }

// URL returns the address of an asset, such as "dist/console.js".
func URL(path string) string { return prefix + whole().build + "/" + path }

// Handler serves all assets below /assets/, for GET and HEAD. Unknown files and other builds are not found.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { whole().serve(w, r) })
}

func (t *tree) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, prefix+t.build+"/")
	f, found := t.files[name]
	if !ok || !found {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	read := func() ([]byte, error) { return fs.ReadFile(t.root, name) }
	if f.small != nil && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		read = f.small
	}
	body, err := read()
	if err != nil {
		panic(fmt.Sprintf("assets: %v", err)) // as in whole
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reports whether the response may be compressed. Ranges are sent plain, because their offsets refer to
// plain bytes.
func acceptsGzip(r *http.Request) bool {
	if r.Header.Get("Range") != "" {
		return false
	}
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if name == "gzip" && strings.ReplaceAll(params, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// read lists all files of root, and hashes them.
func read(root fs.FS) (*tree, error) {
	t := &tree{root: root, files: map[string]file{}}
	sum, buffer := sha256.New(), make([]byte, 32<<10)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := root.Open(name)
		if err != nil {
			return err
		}
		defer content.Close()
		fmt.Fprintf(sum, "%s %d\n", name, info.Size()) // WalkDir is sorted by name
		t.files[name] = newFile(root, name, info.Size())
		_, err = io.CopyBuffer(sum, content, buffer)
		return err
	})
	t.build = hex.EncodeToString(sum.Sum(nil))[:16]
	return t, err
}

// newFile prepares an asset. Texts are compressed on demand.
func newFile(root fs.FS, name string, size int64) file {
	f := file{kind: contentType(name)}
	if size > 1024 && !strings.HasPrefix(f.kind, "image/png") && !strings.HasPrefix(f.kind, "font/") {
		f.small = sync.OnceValues(func() ([]byte, error) {
			body, err := fs.ReadFile(root, name)
			if err != nil {
				return nil, err
			}
			return compress(body)
		})
	}
	return f
}

// types are the content types by extension. We have our own, because mime.TypeByExtension depends on the machine.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json",
	".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2",
	".webmanifest": "application/manifest+json",
}

// contentType returns a file's type; licences have no extension.
func contentType(name string) string {
	return cmp.Or(types[path.Ext(name)], "text/plain; charset=utf-8")
}

func compress(body []byte) ([]byte, error) {
	var small bytes.Buffer
	z := gzip.NewWriter(&small) // gzip.BestCompression takes twice the time, and saves 0.3%
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return small.Bytes(), nil
}
