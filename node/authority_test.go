package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/access"
	"convoy/internal/testkit"
)

// Logins by a generated token stay when the next start has the same token, and end with another one.
func TestTokenGeneration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, start := range []struct {
		token     string
		generated bool
		want      string
	}{
		{"the first token", true, ""}, {"the first token", false, ""}, {"the first token", false, ""},
		{"another token", false, access.Generation("another token")}, {"a second one", true, ""}, {"a third one", true, ""},
		{"a second one", false, access.Generation("a second one")}, {"a third one", false, ""},
	} {
		n := &node{cfg: Config{Name: "convoy@a.test", Data: dir, Token: start.token, GeneratedToken: start.generated}}
		if got := n.tokenGeneration(); got != start.want {
			t.Errorf("%q, generated %t: %q, want %q", start.token, start.generated, got, start.want)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "access", "*"))
	testkit.Must(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		if strings.Contains(string(text), "token") || len(files) > 1 {
			t.Errorf("%v: %s", files, text)
		}
	}
}
