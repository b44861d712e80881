package cli

import (
	"strings"
	"testing"
)

func TestTLS_Flags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-tls-cert", "x"}, "only one of"},
		{[]string{"-tls-cert", "x", "-tls-key", "y"}, "no such file"},
		{[]string{"-tls-self", "-tls-cert", "x", "-tls-key", "y"}, "cannot both be"},
	} {
		if _, err := configure(test.args, testEnv(nil)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.args, err, test.want)
		}
	}
}
