package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// SecretsFD is the variable with the number of the descriptor that a node reads its secrets from.
	SecretsFD = "CONVOY_SECRETS_FD"
	// MaxSecrets is a size in bytes that a pipe holds before anyone reads it.
	MaxSecrets = 60 << 10
	// SpawnedFlag makes a node read its configuration from standard input, and report on descriptor 3.
	SpawnedFlag = "-spawned"

	// mark is the variable that makes a process a supervisor. Its value is the number of the descriptor with the secrets,
	// or none; or hold: then it is a holder.
	mark = "CONVOY_SUPERVISE"
	none = "none"
	hold = "hold"
)

// Supervised reports whether this process is a node with a supervisor, until Connect.
func Supervised() bool { return os.Getenv(nodeFD) != "" }

// Exec replaces this process with a supervisor of this program, with the same arguments, an environment, and secrets
// for its nodes, nil for none; on other systems than Linux with a node. It returns only if that fails.
func Exec(secrets []byte, env []string) error {
	name, value := mark, none
	if !Supported {
		name = SecretsFD
	}
	if secrets != nil {
		fd, err := pipeWith(secrets)
		if err == nil {
			fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD, 10) // 3 may mean something
		}
		if err != nil {
			return err
		}
		value = strconv.Itoa(fd)
	}
	exe, err := Executable()
	if err == nil {
		err = syscall.Exec(exe, os.Args, append(env, name+"="+value))
	}
	return fmt.Errorf("start again without secrets: %w", err)
}

// pipeWith returns the read end of a pipe that holds a text.
func pipeWith(text []byte) (int, error) {
	if len(text) > MaxSecrets {
		return 0, fmt.Errorf("the secrets are longer than %d bytes", MaxSecrets)
	}
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		return 0, err
	}
	unix.CloseOnExec(pipe[0])
	defer unix.Close(pipe[1])       //nolint:errcheck // the text is in the pipe
	unix.SetNonblock(pipe[1], true) //nolint:errcheck // a pipe can
	n, err := unix.Write(pipe[1], text)
	if err == nil && n < len(text) {
		err = errors.New("a pipe is too small for the secrets")
	}
	return pipe[0], err
}
