package local

import (
	"cmp"
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
	"sync"
	"syscall"
	"time"
)

// outputWait is how long to wait for the output of an ended process, in case a process that it started holds it open.
const outputWait = 500 * time.Millisecond

// process is a child process that is, or was, a node. An earlier process of this node may have started it.
type process struct {
	name    string // full name of the node
	pid     int
	began   string // when the process did, as startOf returns it
	process *os.Process
	await   func() (string, error) // waits for the end, and returns how it ended

	stdin          *os.File // our ends of the pipes, open while the child may run
	stdout, stderr *os.File
	ready          *os.File // nil if an earlier process started it
	errors         tail     // of standard error
	reading        sync.WaitGroup

	done    chan struct{} // closed when it has ended and was waited for, or was left
	cause   string        // why we end it; "": it ends by itself
	message string        // why it ended; valid after done

	gossip uint16 // its port, 0 before it has reported; the provider's mutex guards this
	ended  bool   // the provider has seen it end; as above
}

// launch starts a process in its own group, so that Ctrl-C in a terminal reaches only us. It inherits four pipes, and
// no other descriptor. keep is whether another process may follow this one.
func launch(name string, cmd *exec.Cmd, keep bool, log *slog.Logger) (*process, error) {
	c := &process{name: name, done: make(chan struct{})}
	ours, theirs, err := pipes()
	if err != nil {
		return nil, err
	}
	defer closeAll(theirs)
	c.stdin, c.stdout, c.stderr, c.ready = ours[0], ours[1], ours[2], ours[3]
	if keep {
		if c.errors.file, err = newMemory(); err != nil {
			log.Warn("a node's output cannot be kept for a restart", "node", name, "err", err)
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	cmd.ExtraFiles = theirs[3:] // the first is descriptor 3, readyFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	closeOnExecAll()
	if err := cmd.Start(); err != nil {
		c.closeFiles()
		return nil, err
	}
	c.process, c.pid, c.began = cmd.Process, cmd.Process.Pid, startOf(cmd.Process.Pid)
	c.await = func() (string, error) {
		err := cmd.Wait()
		if cmd.ProcessState == nil {
			return "", err
		}
		return cmd.ProcessState.String(), nil
	}
	c.collect(log)
	return c, nil
}

// pipes returns the ends of the pipes for a child's descriptors 0 to 3. It reads from the first, and writes to the
// others.
func pipes() (ours, theirs []*os.File, err error) {
	for fd := range 4 {
		read, write, err := os.Pipe()
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, nil, err
		}
		if fd == 0 {
			read, write = write, read
		}
		ours, theirs = append(ours, read), append(theirs, write)
	}
	return ours, theirs, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close() //nolint:errcheck // nothing is lost
	}
}

// collect begins to read what the process prints.
func (c *process) collect(log *slog.Logger) {
	log = log.With("node", c.name)
	logLine := func(line string) { log.Debug("process output", "line", line) }
	c.errors.onLine = logLine
	c.reading.Go(func() { io.Copy(&c.errors, c.stderr) })              //nolint:errcheck // it ends with the pipe
	c.reading.Go(func() { io.Copy(&tail{onLine: logLine}, c.stdout) }) //nolint:errcheck // as above
}

// stopReading ends what collect began.
func (c *process) stopReading() {
	for _, f := range []*os.File{c.stdout, c.stderr} {
		_ = f.SetReadDeadline(time.Unix(1, 0)) // fails only if it is closed
	}
}

// wait waits for the process to end. It returns false if life ended first. It is called once.
func (c *process) wait(life context.Context) bool {
	defer close(c.done)
	state, err := c.await()
	if err != nil {
		if life.Err() != nil {
			return false
		}
		state = err.Error()
	}
	late := time.AfterFunc(outputWait, c.stopReading)
	c.reading.Wait()
	late.Stop()
	c.message = cmp.Or(c.cause, "process ended: "+state)
	if reason := c.errors.reason(); reason != "" {
		c.message += ": " + reason
	}
	return true
}

// closeFiles closes our ends of the pipes, which ends reads, in case a process of the child holds the other ends.
func (c *process) closeFiles() {
	closeAll([]*os.File{c.stdin, c.stdout, c.stderr, c.ready, c.errors.file})
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
	if reason := c.errors.reason(); reason != "" {
		return fmt.Errorf("%w: %s", err, reason)
	}
	return err
}

// terminate asks the process to end; kill kills it and its group. Neither waits.
func (c *process) terminate() { _ = c.process.Signal(syscall.SIGTERM) } // fails only if it has ended

func (c *process) kill() {
	if c.process.Signal(syscall.SIGKILL) != nil {
		return // another process may have its pid now
	}
	_ = syscall.Kill(-c.pid, syscall.SIGKILL)
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
