package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"convoy/internal/testkit"
	"convoy/node"
	"convoy/peer"
)

// A local fleet keeps its cookie; also if several nodes start at once.
func TestKeepCookie(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var cookies sync.Map
	var starts sync.WaitGroup
	for range 20 {
		starts.Go(func() {
			cfg := node.Config{Data: dir, Cookie: peer.NewCookie(), GeneratedCookie: true}
			if err := keepCookie(&cfg); err != nil || cfg.GeneratedCookie || peer.CheckCookie(cfg.Cookie) != nil {
				t.Errorf("%q, generated %v, %v", cfg.Cookie, cfg.GeneratedCookie, err)
			}
			cookies.Store(cfg.Cookie, true)
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
func TestKeepCookie_Refused(t *testing.T) {
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
		said := fmt.Sprint(keepCookie(&node.Config{Data: dir, Cookie: peer.NewCookie(), GeneratedCookie: true}))
		if !strings.Contains(said, test.want) || test.text != "" && strings.Contains(said, test.text) {
			t.Errorf("%s: %s", name, said)
		}
		if text, _ := os.ReadFile(path); string(text) != test.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// A cookie that was set is left alone, and nothing is written.
func TestKeepCookie_Set(t *testing.T) {
	cfg := node.Config{Data: t.TempDir(), Cookie: "set"}
	testkit.Must(t, keepCookie(&cfg))
	if files, _ := os.ReadDir(cfg.Data); cfg.Cookie != "set" || len(files) > 0 {
		t.Errorf("the cookie is %q, and %d files were written", cfg.Cookie, len(files))
	}
}

// Without a directory to keep it in, each start has a cookie of its own.
func TestKeepCookie_NotKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	testkit.Must(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{"", filepath.Join(file, "data")} {
		cfg := node.Config{Data: dir, Cookie: "generated", GeneratedCookie: true}
		if err := keepCookie(&cfg); err != nil || !cfg.GeneratedCookie || cfg.Cookie != "generated" {
			t.Errorf("in %q: %+v, %v", dir, cfg, err)
		}
	}
}
