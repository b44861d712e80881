package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"convoy/internal/testkit"
)

const assets = "../../../assets"

// TestDist_IsCurrent compares assets/dist with what its sources make.
func TestDist_IsCurrent(t *testing.T) {
	t.Parallel()
	want, err := bundle(assets)
	testkit.Must(t, err)
	entries, err := os.ReadDir(filepath.Join(assets, "dist"))
	testkit.Must(t, err)
	got := map[string][]byte{}
	for _, entry := range entries {
		got[entry.Name()], err = os.ReadFile(filepath.Join(assets, "dist", entry.Name()))
		testkit.Must(t, err)
	}
	if !maps.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("assets/dist differs from its sources: run go generate ./assets, and commit the result")
	}
}

// TestBundles_HaveTheKeyOnce checks that a page's only module holds the page key, and holds it once.
func TestBundles_HaveTheKeyOnce(t *testing.T) {
	t.Parallel()
	bundles, err := bundle(assets)
	testkit.Must(t, err)
	for _, name := range scripts {
		if slices.Contains([]string{"theme", "carrier", "worker"}, name) {
			continue // no module of a page
		}
		if n := bytes.Count(bundles[name+".js"], []byte(`"Convoy-Key"`)); n != 1 {
			t.Errorf("%s.js has the page key %d times", name, n)
		}
	}
}

// TestBundle_Reports checks that a source with an error makes no bundle.
func TestBundle_Reports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.Must(t, os.CopyFS(dir, os.DirFS(assets)))
	before, err := os.ReadDir(filepath.Join(dir, "dist"))
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "js", "key.js"), []byte(`import "./none.js";`), 0o644))
	if err := write(dir); err == nil || !bytes.Contains([]byte(err.Error()), []byte("none.js")) {
		t.Errorf("error %v, want one that names none.js", err)
	}
	after, err := os.ReadDir(filepath.Join(dir, "dist"))
	testkit.Must(t, err)
	if !slices.EqualFunc(before, after, func(a, b os.DirEntry) bool { return a.Name() == b.Name() }) {
		t.Errorf("dist has %v, want %v as before", after, before)
	}
}
