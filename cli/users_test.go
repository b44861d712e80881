package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// asUser runs convoy user with what is typed.
func asUser(t *testing.T, typed string, args ...string) (status int, out string) {
	t.Helper()
	var text strings.Builder
	status = Run(t.Context(), append([]string{"user"}, args...), testEnv(nil), strings.NewReader(typed), &text, &text)
	return status, text.String()
}

func TestUserCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "below", "users")
	for _, test := range []struct {
		args   string
		typed  string
		status int
		want   string
	}{
		{"add ann -role admin", "ann's password\n", 0, "done"},
		{"add -role operator olga", "olga's password", 0, "done"},
		{"add olga", "olga's password", 1, "exists already"},
		{"add dan", "short\n", 1, "at least 8"},
		{"add dan", "", 1, "no password on standard input"},
		{"add dan -role root", "long enough\n", 2, "not a role"},
		{"add d:n", "long enough\n", 1, "not a user name"},
		{"role olga viewer", "", 0, "done"},
		{"role ann viewer", "", 1, "last admin"},
		{"remove ann", "", 1, "last admin"},
		{"passwd olga", "another password\n", 0, "done"},
		{"remove eve", "", 1, "no such user"},
		{"list", "", 0, "ann   admin\nolga  viewer\n"},
		{"remove olga", "", 0, "done"},
		{"passwd ann", strings.Repeat("x", 73) + "\n", 1, "at most 72 bytes"},
		{"rename ann eve", "", 2, "does not know"},
		{"add", "", 2, "convoy user add takes NAME\n"},
		{"role ann", "", 2, "convoy user role takes NAME ROLE\n"},
		{"list ann", "", 2, "convoy user list takes no arguments\n"},
		{"-h", "", 0, "Usage:"},
		{"", "", 2, "takes add, remove"},
		{"list", "+", 0, "line 2: it does not begin with the name"},
	} {
		if test.typed == "+" {
			text, err := os.ReadFile(file)
			testkit.Must(t, errors.Join(err, os.WriteFile(file, append(text, "who?\n"...), 0o600)))
		}
		args := strings.Fields(test.args)
		if len(args) > 0 && args[0] != "-h" {
			args = append(args, "-users", file)
		}
		status, out := asUser(t, test.typed, args...)
		if status != test.status || !strings.Contains(out, test.want) {
			t.Errorf("convoy user %s: %d, %q, want %d and %q", test.args, status, out, test.status, test.want)
		}
		if strings.Contains(out, "password\n") && test.typed != "" && strings.Contains(out, strings.TrimSpace(test.typed)) {
			t.Errorf("convoy user %s prints the password", test.args)
		}
	}
}
