package confine

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The neighbours of hidden paths are allowed, but not the hidden paths and those above; a link to an ancestor would
// allow them again.
func TestAllowedPaths(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{"a/b/data/x", "a/b/beside", "a/other", "c", "a/b/data-too"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"a/key", "a/b/file"} {
		if err := os.WriteFile(filepath.Join(dir, path), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..", filepath.Join(dir, "a/b/up")); err != nil {
		t.Fatal(err)
	}
	files, dirs := allowedPaths(dir, []string{filepath.Join(dir, "a/b/data"), filepath.Join(dir, "a/key")})
	for i, path := range files {
		files[i], _ = filepath.Rel(dir, path)
	}
	for i, path := range dirs {
		dirs[i], _ = filepath.Rel(dir, path)
	}
	slices.Sort(dirs)
	beside := []string{"a/b/beside", "a/b/data-too", "a/other", "c"}
	if !slices.Equal(files, []string{"a/b/file"}) || !slices.Equal(dirs, beside) {
		t.Errorf("files %q, directories %q", files, dirs)
	}
}
