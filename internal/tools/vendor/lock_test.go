package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vendored is a real folder, from here.
func vendored(folder string) string { return filepath.Join("../../..", folder) }

// TestVendored re-hashes what is committed. It needs no network.
func TestVendored(t *testing.T) {
	t.Parallel()
	for _, folder := range folders {
		lock, err := readLock(vendored(folder))
		if err != nil {
			t.Fatal(err)
		}
		if len(lock) == 0 {
			t.Fatalf("the lock of %s is empty", folder)
		}
		if err := lock.verify(vendored(folder)); err != nil {
			t.Errorf("%s: %v", folder, err)
		}
		for _, p := range lock {
			if !strings.HasPrefix(p.Integrity, "sha512-") || p.Version == "" || p.License == "" {
				t.Errorf("package %q: integrity, version or license is missing", p.Name)
			}
		}
	}
}

// TestLockNamesNoHost keeps addresses out of the lock: where packages are
// fetched from is the business of the machine that fetches them.
func TestLockNamesNoHost(t *testing.T) {
	t.Parallel()
	for _, folder := range folders {
		text, err := os.ReadFile(filepath.Join(vendored(folder), lockName))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("://")) {
			t.Errorf("the lock of %s names a host", folder)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	good := Package{Name: "x", Files: []File{
		{To: "x/x.js", SHA384: sri384([]byte("x"))},
		{To: "x/LICENSE", SHA384: sri384([]byte("free"))},
	}}
	for _, test := range []struct {
		name  string
		files map[string]string
		lock  Lock
		want  string // in the error; "" for none
	}{
		{"as locked", map[string]string{"x/x.js": "x", "x/LICENSE": "free"}, Lock{good}, ""},
		{"modified", map[string]string{"x/x.js": "y", "x/LICENSE": "free"}, Lock{good}, "x/x.js: hash is"},
		{"missing", map[string]string{"x/LICENSE": "free"}, Lock{good}, "no such file"},
		{"stranger", map[string]string{"x/x.js": "x", "x/LICENSE": "free", "x/y.js": "y"}, Lock{good},
			"x/y.js: not in the lock"},
		{"no licence", map[string]string{"x/x.js": "x"}, Lock{{Name: "x", Files: good.Files[:1]}}, `package "x": no licence`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := test.lock.write(dir); err != nil {
				t.Fatal(err)
			}
			for name, text := range test.files {
				name = filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			lock, err := readLock(dir)
			if err != nil {
				t.Fatal(err)
			}
			err = lock.verify(dir)
			if test.want == "" && err != nil {
				t.Errorf("verify = %v, want no error", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("verify = %v, want %q", err, test.want)
			}
		})
	}
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	var archive bytes.Buffer
	z := gzip.NewWriter(&archive)
	w := tar.NewWriter(z)
	for name, text := range map[string]string{"package/LICENSE": "free", "package/lib/x.js": "x"} {
		if err := w.WriteHeader(
			&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o644},
		); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	z.Close()
	got, err := unpack(&archive)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || string(got["LICENSE"]) != "free" || string(got["lib/x.js"]) != "x" {
		t.Errorf("unpack = %q", got)
	}
}
