package cli

import (
	"slices"
	"strings"
	"testing"
)

// Shells speak UTF-8 also where Convoy was started without a locale, as by systemd.
func TestShellEnv_Locale(t *testing.T) {
	for _, given := range []string{"", "LANG=de_DE.UTF-8", "LC_ALL=C", "LC_CTYPE=POSIX"} {
		name, value, _ := strings.Cut(given, "=")
		env := shellEnv(func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		})
		if got := slices.Contains(env, "LANG=C.UTF-8"); got != (given == "") {
			t.Errorf("with %q the environment is %q", given, env)
		}
	}
}
