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

// secretNames are the variables whose values nobody but the node may see.
var secretNames = []string{
	"CONVOY_COOKIE",
	"CONVOY_TOKEN",
	"CONVOY_OPENID_SECRET",
	"RAILWAY_API_TOKEN",
	"RAILWAY_TOKEN",
}

const (
	// secretsFD names the descriptor from which a node reads its secrets.
	secretsFD = "CONVOY_SECRETS_FD"
	// maxSecrets is the most that fits into a pipe whose reader is yet to come, in bytes.
	maxSecrets = 60 << 10
)

// withoutSecrets sees to it that the environment that the kernel keeps of this process (/proc/PID/environ) has no
// secret in it: unsetting a variable would not change that copy. A node with secrets in its environment writes them
// into a pipe and becomes itself again without them; that one reads them here. getenv is os.Getenv with the secrets.
func withoutSecrets(args []string) (getenv func(string) string, err error) {
	if number, again := os.LookupEnv(secretsFD); again {
		os.Unsetenv(secretsFD) //nolint:errcheck // its name is a good one
		kept, err := readSecrets(number)
		return func(name string) string {
			if value, ok := kept[name]; ok {
				return value
			}
			return os.Getenv(name)
		}, err
	}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return os.Getenv, nil // no node
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
	return nil, becomeAgain(secrets, env)
}

// becomeAgain starts this program anew in this process. It returns only if that fails.
func becomeAgain(secrets map[string]string, env []string) error {
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

// readSecrets reads what becomeAgain wrote.
func readSecrets(number string) (kept map[string]string, err error) {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil || fd < 3 {
		return nil, hint("it is how Convoy starts itself; unset it", "%s=%q is no descriptor", secretsFD, number)
	}
	file := os.NewFile(uintptr(fd), "secrets")
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecrets+1))
	if err == nil && json.Unmarshal(text, &kept) != nil { // whose error would quote them
		err = errors.New("there are none")
	}
	if err != nil {
		return nil, hint("it is how Convoy starts itself; unset it", "read secrets from descriptor %d: %w", fd, err)
	}
	return kept, nil
}
