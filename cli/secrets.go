package cli

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"convoy/supervisor"
)

// secretNames are the variables whose values only the node may see.
var secretNames = []string{
	"CONVOY_COOKIE",
	"CONVOY_TOKEN",
	"CONVOY_OPENID_SECRET",
	"CONVOY_NOTIFY",
	"RAILWAY_API_TOKEN",
	"RAILWAY_TOKEN",
}

// withoutSecrets removes the secrets from the environment that the kernel shows of this process in /proc/PID/environ,
// which unsetting a variable would not change. A command that starts a node puts them into a pipe, and becomes the
// node's supervisor, or where there is none a node, by executing itself again without them. The node reads them here.
// getenv is os.Getenv with the secrets.
func withoutSecrets(args []string) (getenv func(string) string, err error) {
	if number, again := os.LookupEnv(supervisor.SecretsFD); again {
		os.Unsetenv(supervisor.SecretsFD) //nolint:errcheck // the name is valid
		kept, err := readSecrets(number)
		return func(name string) string {
			if value, ok := kept[name]; ok {
				return value
			}
			return os.Getenv(name)
		}, err
	}
	if supervisor.Supervised() || !startsNode(args) {
		return os.Getenv, nil
	}
	secrets, env := map[string]string{}, []string{}
	for _, one := range os.Environ() {
		if name, value, _ := strings.Cut(one, "="); slices.Contains(secretNames, name) {
			secrets[name] = value
		} else {
			env = append(env, one)
		}
	}
	if len(secrets) == 0 {
		if supervisor.Supported {
			return nil, supervisor.Exec(nil, env)
		}
		return os.Getenv, nil
	}
	text, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	return nil, supervisor.Exec(text, env)
}

// startsNode reports whether arguments are those of a node.
func startsNode(args []string) bool {
	return len(args) == 0 || strings.HasPrefix(args[0], "-") &&
		!slices.Contains([]string{"-h", "-help", "--help", "-v", "-version", "--version"}, args[0])
}

// readSecrets reads what withoutSecrets wrote.
func readSecrets(number string) (kept map[string]string, err error) {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil || fd < 3 {
		return nil, hint("it is how Convoy starts itself; unset it",
			"%s=%q is not a descriptor", supervisor.SecretsFD, number)
	}
	file := os.NewFile(uintptr(fd), "secrets")
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, supervisor.MaxSecrets+1))
	if err == nil && json.Unmarshal(text, &kept) != nil { // its error would quote them
		err = errors.New("there are none")
	}
	if err != nil {
		return nil, hint("it is how Convoy starts itself; unset it", "read secrets from descriptor %d: %w", fd, err)
	}
	return kept, nil
}
