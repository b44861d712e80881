package guide

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"convoy/internal/testkit"
)

// shelf is a directory of runbooks, next to a secret.
func shelf(t *testing.T, files map[string]string) (*Runbooks, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "books")
	testkit.Must(t, os.Mkdir(dir, 0o700))
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "..", "secret.md"), []byte("# secret"), 0o600))
	for name, text := range files {
		testkit.Must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return &Runbooks{Dir: dir}, dir
}

func titles(t *testing.T, b *Runbooks) string {
	t.Helper()
	list, _, err := b.List()
	testkit.Must(t, err)
	var all []string
	for _, one := range list {
		all = append(all, one.Name+"="+one.Title)
	}
	return strings.Join(all, " ")
}

func TestRunbooksAreListed(t *testing.T) {
	t.Parallel()
	b, dir := shelf(t, map[string]string{
		"deploy.md":      "# Deploy the *new* `v2` <now> &amp; then\n\nHow we\ndo **it**.\n\nMore.\n",
		"plain.md":       "just text",
		"empty.md":       "",
		"notes.txt":      "# no",
		".hidden.md":     "# no",
		".md":            "# no",
		"späte.md":       "# Äpfel",
		"a b.md":         "# with blank",
		"line\nbreak.md": "# no",
		"large.md":       "# Large\n" + strings.Repeat("x", maxRunbook),
		"hostile.md":     "# Hostile\n\n" + strings.Repeat(">", 1000),
		"long.md":        "# " + strings.Repeat("word ", 100),
	})
	testkit.Must(t, os.Mkdir(filepath.Join(dir, "folder.md"), 0o700))
	testkit.Must(t, syscall.Mkfifo(filepath.Join(dir, "pipe.md"), 0o600))
	testkit.Must(t, os.Symlink("deploy.md", filepath.Join(dir, "inside.md")))
	testkit.Must(t, os.Symlink("../secret.md", filepath.Join(dir, "outside.md")))
	testkit.Must(t, os.Symlink(filepath.Join(dir, "..", "secret.md"), filepath.Join(dir, "absolute.md")))
	list, more, err := b.List()
	testkit.Must(t, err)
	got := map[string]Runbook{}
	for _, one := range list {
		got[one.Name] = one
	}
	for name, title := range map[string]string{
		"deploy": "Deploy the new v2 <now> & then", "inside": "Deploy the new v2 <now> & " +
			"then", "plain": "plain", "empty": "empty", "späte": "Äpfel", "a b": "with " +
			"blank", "large": "Large", "hostile": "Hostile",
		"long": strings.TrimSpace(strings.Repeat("word ", 48)) + " …",
	} {
		if got[name].Title != title || got[name].Changed.IsZero() || got[name].Large != (name == "large") ||
			got[name].Untitled != (name == "plain" || name == "empty") {
			t.Errorf("%s is listed as %+v, want %q", name, got[name], title)
		}
		delete(got, name)
	}
	if len(got) > 0 || more {
		t.Errorf("listed as well: %+v, more %v", got, more)
	}
	if list[0].Name != "deploy" || list[0].Summary != "How we do it." {
		t.Errorf("the first is %+v", list[0])
	}
}

func TestRunbookIsRead(t *testing.T) {
	t.Parallel()
	b, dir := shelf(
		t,
		map[string]string{
			"deploy.md": "# Deploy\n\n```sh\necho 1\n```\n",
			"plain.md":  "text",
			"large.md":  strings.Repeat("x\n\n", maxRunbook/2),
			"slow.md":   strings.Repeat(">", maxRunbook),
		},
	)
	testkit.Must(t, os.Symlink("../secret.md", filepath.Join(dir, "outside.md")))
	testkit.Must(t, os.Symlink("plain.md", filepath.Join(dir, "inside.md")))
	testkit.Must(t, os.Mkdir(filepath.Join(dir, "folder.md"), 0o700))
	testkit.Must(t, syscall.Mkfifo(filepath.Join(dir, "pipe.md"), 0o600))
	one, err := b.Get("deploy")
	if err != nil || one.Title != "Deploy" || one.Untitled || len(one.Blocks) != 1 ||
		!strings.Contains(string(one.Body), "<h1") {
		t.Errorf("deploy: %+v, %v", one, err)
	}
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "deploy.md"), []byte("edited"), 0o600))
	if one, err := b.Get("deploy"); err != nil || one.Title != "deploy" || !one.Untitled ||
		!strings.Contains(string(one.Body), "edited") {
		t.Errorf("edited: %+v, %v", one, err)
	}
	if _, err := b.Get("inside"); err != nil {
		t.Errorf("a link to a file beside it: %v", err)
	}
	for name, want := range map[string]error{
		"nosuch": ErrNoRunbook, "outside": ErrNoRunbook, "../secret": ErrNoRunbook, "..": ErrNoRunbook, ".": ErrNoRunbook,
		"": ErrNoRunbook, "folder": ErrNoRunbook, "pipe": ErrNoRunbook,
		"/etc/passwd": ErrNoRunbook, "a\x00b": ErrNoRunbook, strings.Repeat("x",
			300): ErrNoRunbook, "\xff": ErrNoRunbook, "large": ErrLarge, "slow": ErrTooSlow,
	} {
		if _, err := b.Get(name); !errors.Is(err, want) {
			t.Errorf("Get(%.20q) = %v, want %v", name, err, want)
		}
	}
}

func TestRunbooksWithoutADirectory(t *testing.T) {
	t.Parallel()
	if _, err := new(Runbooks).Get("x"); !errors.Is(err, ErrNoRunbook) {
		t.Errorf("Get without a directory: %v", err)
	}
	gone := &Runbooks{Dir: filepath.Join(t.TempDir(), "gone")}
	if _, _, err := gone.List(); err == nil {
		t.Error("a directory that has gone can be listed")
	}
	b, _ := shelf(t, nil)
	if got := titles(t, b); got != "" {
		t.Errorf("an empty directory lists %q", got)
	}
}

func TestAtMostSoManyAreListed(t *testing.T) {
	t.Parallel()
	b, dir := shelf(t, nil)
	for i := range maxRunbooks + 2 {
		testkit.Must(
			t, os.WriteFile(filepath.Join(dir, strings.Repeat("x", 1+i%190)+string(rune('a'+i/190))+".md"), nil, 0o600),
		)
	}
	list, more, err := b.List()
	if err != nil || len(list) != maxRunbooks || !more {
		t.Errorf("%d listed, more %v, %v", len(list), more, err)
	}
}
