package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"convoy/supervisor"
)

// readEnv returns the environment without spaces around its values, as a secret made from a file may have. A secret is
// in its variable, or in the file that the variable NAME_FILE names. files are those files.
func readEnv(getenv func(string) string) (trimmed func(string) string, files []string, err error) {
	found := map[string]string{}
	for _, name := range secretNames {
		file := strings.TrimSpace(getenv(name + "_FILE"))
		if file == "" {
			continue
		}
		if getenv(name) != "" {
			return nil, nil, hint("unset one of them", "%s and %s_FILE are both set", name, name)
		}
		if found[name], err = readSecretFile(file); err != nil {
			return nil, nil, hint("name a file that has nothing but the secret, and that Convoy may read",
				"%s_FILE=%q: %w", name, file, cause(err))
		}
		file, _ = filepath.Abs(file)
		files = append(files, file)
	}
	return func(name string) string {
		if secret, ok := found[name]; ok {
			return secret
		}
		return trimSecret(getenv(name))
	}, files, nil
}

// readSecretFile reads a secret without spaces around it.
func readSecretFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, supervisor.MaxSecrets+1))
	secret := trimSecret(string(text))
	switch {
	case err != nil:
		return "", err
	case len(text) > supervisor.MaxSecrets:
		return "", errors.New("the file is too large for a secret")
	case secret == "":
		return "", errors.New("the file is empty")
	}
	return secret, nil
}

// trimSecret removes spaces around a text, and the byte order mark that editors of Windows put before it.
func trimSecret(text string) string { return strings.TrimSpace(strings.TrimPrefix(text, "\uFEFF")) }
