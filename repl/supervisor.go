package repl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"convoy/repl/wire"
)

const (
	// startTime limits the start of a sandbox.
	startTime = 10 * time.Second
)

// Busy is the notification by which a prompt tells its node whether it evaluates something: one bool.
const Busy = "busy"

// Node calls functions of a node: through a [Link] on an inherited descriptor, or a [Console].
type Node interface {
	Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error)
}

// Subcommand is the argument with which convoy starts as a sandbox and calls [RunSandbox].
const Subcommand = "evaluate"

// Command starts a sandbox: a program, and arguments with which it calls [RunSandbox].
type Command []string

// supervisor runs a sandbox and replaces it if it fails. Use it from one goroutine at a time.
type supervisor struct {
	command  Command
	node     Node
	out      io.Writer
	settings settings
	stopTime time.Duration // how long a sandbox may take to stop after an interrupt
	ownGroup bool          // of processes, which Ctrl-C in the terminal does not reach, even while the sandbox starts

	process *exec.Cmd
	conn    *wire.Conn
	ended   chan struct{} // closed when the sandbox has ended
	connErr error         // of Serve; valid after ended
	stderr  *headBuffer
	runs    int
	begun   chan struct{} // of a prompt: closed when the first sandbox has begun, or failed to
}

// start starts a sandbox with the definitions of its predecessor.
func (s *supervisor) start(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	err := s.begin(ctx)
	if err != nil {
		s.stop()
	}
	return err
}

// launch starts a sandbox's process. Call begin before anything else.
func (s *supervisor) launch() error {
	ours, theirs, err := wire.Pair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	stderr := &headBuffer{}
	process := exec.Command(s.command[0], s.command[1:]...)
	process.Env = []string{"GOTRACEBACK=none", "GOMAXPROCS=2"}
	process.ExtraFiles = []*os.File{theirs}
	process.Stderr = stderr
	process.WaitDelay = time.Second
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: s.ownGroup}
	if err := process.Start(); err != nil {
		ours.Close()
		return fmt.Errorf("start the sandbox: %w", err)
	}
	conn, ended := wire.New(ours, s.handle), make(chan struct{})
	s.process, s.stderr, s.conn, s.ended = process, stderr, conn, ended
	go func() { // ends with the sandbox; stop waits for it
		defer close(ended)
		s.connErr = conn.Serve(context.Background())
		process.Process.Kill() //nolint:errcheck // it has ended, unless the connection failed
		process.Wait()         //nolint:errcheck // ProcessState has the status
	}()
	return nil
}

// begin begins a session in a launched sandbox, as soon as that has restricted itself.
func (s *supervisor) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	_, err := s.conn.Call(ctx, "start", s.settings)
	switch {
	case errors.Is(err, wire.ErrClosed):
		return fmt.Errorf("start the sandbox: %s", s.cause())
	case err != nil:
		return fmt.Errorf("start the sandbox: %w", err)
	}
	return nil
}

// stop kills the sandbox and waits for it.
func (s *supervisor) stop() {
	s.conn.Close()
	s.process.Process.Kill() //nolint:errcheck // it may have ended
	<-s.ended
}

// handle serves the sandbox's calls: output, and calls of the node.
func (s *supervisor) handle(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
	switch fn {
	case "out":
		var text []byte
		if err := decodeArgs(args, &text); err != nil {
			return nil, err
		}
		_, err := s.out.Write(text)
		return nil, err
	case "node":
		var what string
		var rest []any
		if err := decodeArgs(args, &what, &rest); err != nil {
			return nil, err
		}
		return s.node.Call(ctx, what, rest...)
	}
	return nil, fmt.Errorf("the supervisor has no function %q", fn)
}

// replacedError reports that a sandbox was replaced, and why.
type replacedError struct{ reason string }

func (e *replacedError) Error() string {
	return e.reason + ". A new one replaced it; your functions and plain values are still defined"
}

// run evaluates source in the sandbox. A value on stop interrupts it. If it does not stop within s.stopTime, or at a
// second interrupt, or if it ends on its own, it is replaced: *replacedError.
func (s *supervisor) run(ctx context.Context, source string, width int, stop <-chan os.Signal) (outcome, error) {
	s.runs++
	done := make(chan struct{})
	var raw json.RawMessage
	var err error
	go func() {
		defer close(done)
		raw, err = s.conn.Call(context.Background(), "run", s.runs, source, width)
	}()
	if reason := s.await(ctx, done, stop); reason != "" {
		s.process.Process.Kill() //nolint:errcheck // it may have ended already
		<-done
		return outcome{}, s.replace(ctx, reason)
	}
	if errors.Is(err, wire.ErrClosed) {
		return outcome{}, s.replace(ctx, s.exitReason())
	}
	var o outcome
	if err == nil {
		err = json.Unmarshal(raw, &o)
	}
	if err == nil {
		s.settings.Definitions = o.Definitions
	}
	return o, err
}

// await waits for a run, forwards interrupts, and returns a reason once it should wait no longer.
func (s *supervisor) await(ctx context.Context, done <-chan struct{}, stop <-chan os.Signal) (reason string) {
	var late <-chan time.Time
	over := ctx.Done()
	for {
		select {
		case <-done:
			return ""
		case <-late:
			return "it did not stop and was killed"
		case <-stop:
			if late != nil {
				return "it was killed"
			}
		case <-over:
			over = nil
		}
		s.conn.Notify("interrupt", s.runs) //nolint:errcheck // a sandbox that is gone needs no interrupt
		late = time.After(s.stopTime)
	}
}

// outOfMemory are the messages with which the runtimes of Go and C fail for lack of memory. Thread stacks count as
// well, and C does not check every allocation.
var outOfMemory = []string{
	"out of memory",
	"cannot allocate",
	"SIGSEGV",
	"pthread_create failed: Resource temporarily",
	"failed to create new OS thread",
}

// exitReason waits for the sandbox to end, and describes why it did.
func (s *supervisor) exitReason() string {
	cause := s.cause()
	for _, sign := range outOfMemory {
		if strings.Contains(cause, sign) {
			return "it ran out of memory"
		}
	}
	return "the sandbox ended: " + cause
}

// cause waits for the sandbox to end, and returns the first line of its standard error, or else the connection's error
// for which it was killed, or else its exit status.
func (s *supervisor) cause() string {
	<-s.ended
	if line := s.stderr.firstLine(); line != "" {
		return strings.TrimPrefix(line, "convoy: error: ")
	}
	if s.connErr != nil && !errors.Is(s.connErr, io.ErrUnexpectedEOF) && !errors.Is(s.connErr, syscall.ECONNRESET) {
		return s.connErr.Error()
	}
	return s.process.ProcessState.String()
}

// replace starts a new sandbox.
func (s *supervisor) replace(ctx context.Context, reason string) error {
	s.stop()
	if err := s.start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return &replacedError{reason}
}

// headBuffer keeps the beginning of a sandbox's standard error, where a fatal error of the runtime states its cause.
type headBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const headBytes = 4 << 10

func (t *headBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p[:min(len(p), max(0, headBytes-t.buf.Len()))])
	return len(p), nil
}

// firstLine returns the first line, or "".
func (t *headBuffer) firstLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(t.buf.String()), "\n")
	return line
}
