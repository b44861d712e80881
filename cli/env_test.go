package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
	"convoy/node"
	"convoy/supervisor"
)

// secretsOf are the secrets of a configuration, by the variables that set them.
var secretsOf = map[string]func(node.Config) string{
	"CONVOY_COOKIE":        func(cfg node.Config) string { return cfg.Cookie },
	"CONVOY_TOKEN":         func(cfg node.Config) string { return cfg.Token },
	"CONVOY_OPENID_SECRET": func(cfg node.Config) string { return cfg.OpenID.ClientSecret },
	"CONVOY_NOTIFY":        func(cfg node.Config) string { return cfg.Notify },
	"RAILWAY_API_TOKEN":    func(cfg node.Config) string { return cfg.Railway.Token },
	"RAILWAY_TOKEN":        func(cfg node.Config) string { return cfg.Railway.Token },
}

// Each secret is the same with a newline at its end, as one made from a file has, and in a file that a variable names.
func TestReadEnv_Secrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	args := []string{"-openid-issuer", "https://id.example", "-openid-client", "x", "-openid-roles", "*=viewer"}
	for _, name := range secretNames {
		secret := testCookie
		if name == "CONVOY_NOTIFY" {
			secret = "https://example.org/" + testCookie
		}
		testkit.Must(t, os.WriteFile(file, []byte("\uFEFF"+secret+"\n"), 0o600))
		for variable, value := range map[string]string{name: " " + secret + "\r\n", name + "_FILE": file + "\n"} {
			env := map[string]string{"CONVOY_COOKIE": testCookie, variable: value}
			if variable == "CONVOY_COOKIE_FILE" {
				delete(env, "CONVOY_COOKIE")
			}
			cfg, err := readConfig(args, testEnv(env))
			if err != nil || secretsOf[name](cfg) != secret {
				t.Errorf("%s=%q: %q, %v", variable, value, secretsOf[name](cfg), err)
			}
			if variable != name && !slices.Contains(cfg.SecretFiles, file) {
				t.Errorf("%s is not hidden from shells: %q", variable, cfg.SecretFiles)
			}
		}
	}
}

func TestReadEnv_Refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, large := filepath.Join(dir, "empty"), filepath.Join(dir, "large")
	testkit.Must(t, os.WriteFile(empty, []byte("\n"), 0o600))
	testkit.Must(t, os.WriteFile(large, []byte(strings.Repeat("x", supervisor.MaxSecrets+1)), 0o600))
	for file, want := range map[string]string{
		"/no/such/file": "no such file",
		dir:             "is a directory",
		empty:           "the file is empty",
		large:           "too large",
	} {
		refuses(t, nil, map[string]string{"CONVOY_TOKEN_FILE": file}, want)
		refuses(t, []string{"shell", "-c", "1"}, map[string]string{"CONVOY_TOKEN_FILE": file}, want)
	}
	refuses(t, nil, map[string]string{"CONVOY_TOKEN": testCookie, "CONVOY_TOKEN_FILE": empty}, "both set")
	refuses(t, nil, map[string]string{"CONVOY_COOKIE": testCookie, "CONVOY_TOKEN": testCookie + "\n# mine"}, "printable")
}
