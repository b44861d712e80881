package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"convoy/internal/testkit"
	"convoy/peer"
)

// A local fleet keeps its cookie; also if several nodes start at once.
func TestLocalCookie(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var cookies sync.Map
	var starts sync.WaitGroup
	for range 20 {
		starts.Go(func() {
			cookie, kept, err := localCookie(dir)
			if err != nil || !kept || peer.CheckCookie(cookie) != nil {
				t.Errorf("%q, kept %v, %v", cookie, kept, err)
			}
			cookies.Store(cookie, true)
		})
	}
	starts.Wait()
	n := 0
	cookies.Range(func(any, any) bool { n++; return true })
	files, err := os.ReadDir(dir)
	testkit.Must(t, err)
	info, err := os.Stat(filepath.Join(dir, "cookie"))
	testkit.Must(t, err)
	if n != 1 || len(files) != 1 || info.Mode().Perm() != 0o600 {
		t.Errorf("%d cookies in %d files of mode %o, want one of 600", n, len(files), info.Mode().Perm())
	}
}

// What is wrong with the file is said without its contents, and it stays as it is.
func TestLocalCookie_Refused(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by others": {peer.NewCookie(), 0o644, "other users can read"},
		"empty":              {"", 0o600, "the cookie in"},
		"too short":          {"sesame", 0o600, "the cookie in"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "cookie")
		testkit.Must(t, os.WriteFile(path, []byte(test.text), test.mode))
		_, _, err := localCookie(dir)
		said := fmt.Sprint(err)
		if !strings.Contains(said, test.want) || test.text != "" && strings.Contains(said, test.text) {
			t.Errorf("%s: %v", name, err)
		}
		if text, _ := os.ReadFile(path); string(text) != test.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// Without a directory to keep it in, each start has a cookie of its own.
func TestLocalCookie_NotKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	testkit.Must(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{"", filepath.Join(file, "data")} {
		one, kept, err := localCookie(dir)
		two, _, _ := localCookie(dir)
		if err != nil || kept || one == two || peer.CheckCookie(one) != nil {
			t.Errorf("in %q: kept %v, %v", dir, kept, err)
		}
	}
}
