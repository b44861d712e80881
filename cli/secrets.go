package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// secretNames are the variables whose values only the node may see.
var secretNames = []string{
	"CONVOY_COOKIE",
	"CONVOY_TOKEN",
	"CONVOY_OPENID_SECRET",
	"RAILWAY_API_TOKEN",
	"RAILWAY_TOKEN",
}

const (
	// secretsFD is the variable with the number of the descriptor that a node reads its secrets from.
	secretsFD = "CONVOY_SECRETS_FD"
	// maxSecrets is a size in bytes that a pipe holds before anyone reads it.
	maxSecrets = 60 << 10
)

// withoutSecrets removes the secrets from the environment that the kernel shows of this process in /proc/PID/environ,
// which unsetting a variable would not change. A node with secrets in its environment writes them into a pipe and
// executes itself again without them; the new program reads them here. getenv is os.Getenv with the secrets.
func withoutSecrets(args []string) (getenv func(string) string, err error) {
	if number, again := os.LookupEnv(secretsFD); again {
		os.Unsetenv(secretsFD) //nolint:errcheck // the name is valid
		kept, err := readSecrets(number)
		return func(name string) string {
			if value, ok := kept[name]; ok {
				return value
			}
			return os.Getenv(name)
		}, err
	}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return os.Getenv, nil // not a node
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
		return os.Getenv, nil
	}
	return nil, reexec(secrets, env)
}

// reexec executes this program again in this process, with the secrets in a pipe. It returns only if that fails.
func reexec(secrets map[string]string, env []string) error {
	text, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	if len(text) > maxSecrets {
		return fmt.Errorf("the secrets in the environment are longer than %d bytes", maxSecrets)
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		return err
	}
	unix.CloseOnExec(pipe[1])
	if _, err := unix.Write(pipe[1], text); err != nil {
		return err
	}
	err = syscall.Exec(exe, os.Args, append(env, secretsFD+"="+strconv.Itoa(pipe[0])))
	return fmt.Errorf("start again without secrets: %w", err)
}

// readSecrets reads what reexec wrote.
func readSecrets(number string) (kept map[string]string, err error) {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil || fd < 3 {
		return nil, hint("it is how Convoy starts itself; unset it", "%s=%q is not a descriptor", secretsFD, number)
	}
	file := os.NewFile(uintptr(fd), "secrets")
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecrets+1))
	if err == nil && json.Unmarshal(text, &kept) != nil { // its error would quote them
		err = errors.New("there are none")
	}
	if err != nil {
		return nil, hint("it is how Convoy starts itself; unset it", "read secrets from descriptor %d: %w", fd, err)
	}
	return kept, nil
}
