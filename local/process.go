package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outputWait is how long the output of an ended process is waited for, should
// a process of its own still hold it open.
const outputWait = 500 * time.Millisecond

// process is one child process that is, or was, a node.
type process struct {
	name string // full node name
	cmd  *exec.Cmd

	stdin  *os.File // our end, open for as long as the child may run
	ready  *os.File // our end of the ready pipe
	stderr *tail    // standard error

	done    chan struct{} // closed when it has ended and was waited for
	message string        // why it ended; read it after done
}

// launch starts a process in a group of its own, so that a terminal's Ctrl-C
// is ours alone. It holds nothing of ours but four pipes.
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
	each := func(line string) { log.Debug("process output", "line", line) }
	c := &process{name: name, cmd: cmd, stdin: in, ready: ready, stderr: &tail{onLine: each}, done: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &tail{onLine: each}, c.stderr
	cmd.ExtraFiles = []*os.File{out} // the first is descriptor 3, readyFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = outputWait
	closeOnExecAll()
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, in.Close(), ready.Close())
	}
	return c, nil
}

// wait returns when the process has ended. It is called once, by the waiter.
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
	_ = c.stdin.Close() // nobody is left to read it
	_ = c.ready.Close() // ends a read, should a process of the child's hold the other end
	close(c.done)
}

// talk tells the process what child says of it, and waits until it says that it
// listens. When ctx ends, the process ends too. Errors are meant for people.
func (c *process) handshake(ctx context.Context, child func(name string) ([]byte, error)) (Ready, error) {
	stop := context.AfterFunc(ctx, func() {
		c.kill()
		_ = c.stdin.SetDeadline(time.Unix(1, 0)) // fails only if it has ended
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
	<-c.done // if it only closed its pipes: when ctx ends
	switch {
	case ctx.Err() != nil:
		return Ready{}, c.explain(context.Cause(ctx))
	case pipeClosed(err):
		return Ready{}, errors.New(c.message)
	default:
		return Ready{}, c.explain(err)
	}
}

// exchange writes the child's line and reads its answer.
func (c *process) exchange(child func(name string) ([]byte, error)) (Ready, error) {
	line, err := child(c.name)
	if err != nil {
		return Ready{}, err
	}
	if len(line) >= childBytes {
		return Ready{}, fmt.Errorf("what it is to be told has %d bytes, at most %d fit", len(line), childBytes-1)
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

// silent reports whether err means that the process closed its ends of the
// pipes, as its end does.
func pipeClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE)
}

// explain adds the process's own words to why it was ended.
func (c *process) explain(err error) error {
	if reason := c.stderr.reason(); reason != "" {
		return fmt.Errorf("%w: %s", err, reason)
	}
	return err
}

// terminate asks the process to end; kill ends it and its group. Neither waits.
func (c *process) terminate() { _ = c.cmd.Process.Signal(syscall.SIGTERM) } // fails only if it has ended

func (c *process) kill() {
	if errors.Is(c.cmd.Process.Signal(syscall.SIGKILL), os.ErrProcessDone) {
		return // its number may be another's by now
	}
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
}

// end terminates the process, kills it when ctx ends or it takes longer than
// grace, and waits for its end.
func (c *process) end(ctx context.Context, grace time.Duration) {
	c.terminate()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.done:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	c.kill()
	<-c.done
}

// allowed are the variables that a child gets of our environment, besides LC_…
var inheritedEnv = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM", "COLORTERM",
}

// scrub returns what a child may have of an environment: nothing secret.
func childEnv(env []string) []string {
	kept := make([]string, 0, len(env))
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		ok := strings.HasPrefix(name, "LC_")
		for _, a := range inheritedEnv {
			ok = ok || a == name
		}
		if ok {
			kept = append(kept, variable)
		}
	}
	return kept
}

// closeStrays sees to it that a child gets none of our descriptors, not even
// those that we have inherited without knowing. Go's own are marked already.
func closeOnExecAll() {
	entries, _ := os.ReadDir("/dev/fd") // without it there is nothing to be done
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
