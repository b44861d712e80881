package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outputWait is how long to wait for the output of an ended process, in case a process that it started holds it open.
const outputWait = 500 * time.Millisecond

// process is a child process that is, or was, a node.
type process struct {
	name string // full name of the node
	cmd  *exec.Cmd

	stdin  *os.File // our end, open while the child may run
	ready  *os.File // our end of the ready pipe
	stderr *tail    // standard error

	done    chan struct{} // closed when it has ended and was waited for
	message string        // why it ended; valid after done
	ended   bool          // the provider has seen it end; its mutex guards this
}

// launch starts a process in its own group, so that Ctrl-C in a terminal reaches only us. It inherits four pipes, and
// no other descriptor.
func launch(name string, cmd *exec.Cmd, log *slog.Logger) (*process, error) {
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	ready, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	defer out.Close()

	log = log.With("node", name)
	logLine := func(line string) { log.Debug("process output", "line", line) }
	c := &process{name: name, cmd: cmd, stdin: in, ready: ready, stderr: &tail{onLine: logLine}, done: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &tail{onLine: logLine}, c.stderr
	cmd.ExtraFiles = []*os.File{out} // the first is descriptor 3, readyFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = outputWait
	closeOnExecAll()
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, in.Close(), ready.Close())
	}
	return c, nil
}

// wait waits for the process to end. It is called once.
func (c *process) wait() {
	err := c.cmd.Wait()
	state := "unknown"
	if c.cmd.ProcessState != nil {
		state = c.cmd.ProcessState.String()
	} else if err != nil {
		state = err.Error()
	}
	c.message = "process ended: " + state
	if reason := c.stderr.reason(); reason != "" {
		c.message += ": " + reason
	}
	_ = c.stdin.Close() // no reader is left
	_ = c.ready.Close() // ends a read, in case a process of the child holds the other end
	close(c.done)
}

// handshake sends the child its configuration, and waits until it reports that it listens. When ctx ends, it kills the
// process. Errors are for users.
func (c *process) handshake(ctx context.Context, child func(name string) ([]byte, error)) (Ready, error) {
	stop := context.AfterFunc(ctx, func() {
		c.kill()
		_ = c.stdin.SetDeadline(time.Unix(1, 0)) // fails only if the process has ended
		_ = c.ready.SetDeadline(time.Unix(1, 0))
	})
	defer stop()
	ready, err := c.exchange(child)
	if err == nil {
		return ready, nil
	}
	if !pipeClosed(err) {
		c.kill()
	}
	<-c.done // if it has only closed its pipes: when ctx ends
	switch {
	case ctx.Err() != nil:
		return Ready{}, c.explain(context.Cause(ctx))
	case pipeClosed(err):
		return Ready{}, errors.New(c.message)
	default:
		return Ready{}, c.explain(err)
	}
}

// exchange writes the child's configuration and reads its report.
func (c *process) exchange(child func(name string) ([]byte, error)) (Ready, error) {
	line, err := child(c.name)
	if err != nil {
		return Ready{}, err
	}
	if len(line) >= childBytes {
		return Ready{}, fmt.Errorf("its configuration has %d bytes; at most %d are allowed", len(line), childBytes-1)
	}
	if _, err := c.stdin.Write(append(line, '\n')); err != nil {
		return Ready{}, err
	}
	ready, err := readReady(c.ready)
	if err != nil && !pipeClosed(err) {
		return Ready{}, fmt.Errorf("read its answer on descriptor %d: %w", readyFD, err)
	}
	return ready, err
}

// pipeClosed reports whether err means that the process closed its ends of the pipes, usually by ending.
func pipeClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE)
}

// explain adds the process's own error to err.
func (c *process) explain(err error) error {
	if reason := c.stderr.reason(); reason != "" {
		return fmt.Errorf("%w: %s", err, reason)
	}
	return err
}

// terminate asks the process to end; kill kills it and its group. Neither waits.
func (c *process) terminate() { _ = c.cmd.Process.Signal(syscall.SIGTERM) } // fails only if it has ended

func (c *process) kill() {
	if errors.Is(c.cmd.Process.Signal(syscall.SIGKILL), os.ErrProcessDone) {
		return // another process may have its pid now
	}
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
}

// end terminates the process, kills it after grace or when ctx ends, and waits for it.
func (c *process) end(ctx context.Context, grace time.Duration) {
	c.terminate()
	select {
	case <-c.done:
		return
	case <-time.After(grace):
	case <-ctx.Done():
	}
	c.kill()
	<-c.done
}

// inheritedEnv are the environment variables that a child inherits, besides LC_….
var inheritedEnv = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM", "COLORTERM",
}

// childEnv returns the variables of an environment that a child inherits, none of them secret.
func childEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !strings.HasPrefix(name, "LC_") && !slices.Contains(inheritedEnv, name)
	})
}

// closeOnExecAll keeps a child from inheriting descriptors that we have inherited unknowingly. Go marks its own.
func closeOnExecAll() {
	entries, _ := os.ReadDir("/dev/fd") // nothing can be done without it
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
