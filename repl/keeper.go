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
	"time"

	"convoy/repl/wire"
)

const (
	// stopTime is how long an evaluator that is told to stop may go on.
	stopTime = 2 * time.Second
	// startTime bounds the start of an evaluator.
	startTime = 10 * time.Second
)

// Node is the way to a node: [wire.Conn] on a node's own descriptor, or a console's
// address.
type Node interface {
	Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error)
}

// Subcommand is the argument by which convoy is started as an evaluator, and calls
// [Evaluate].
const Subcommand = "evaluate"

// Command is how an evaluator is started: the program, and arguments that make it
// call [Evaluate].
type Command []string

// keeper keeps an evaluator at work. One goroutine may use it at a time.
type keeper struct {
	command Command
	node    Node
	out     io.Writer
	how     settings

	process *exec.Cmd
	conn    *wire.Conn
	ended   chan struct{} // closed when the evaluator's connection has ended
	stderr  *tail
	runs    int
}

// start starts an evaluator that knows what the one before knew.
func (k *keeper) start(ctx context.Context) error {
	ours, theirs, err := wire.Pair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	k.stderr = &tail{}
	k.process = exec.Command(k.command[0], k.command[1:]...)
	k.process.Env = []string{"GOTRACEBACK=none", "GOMAXPROCS=2"}
	k.process.ExtraFiles = []*os.File{theirs}
	k.process.Stderr = k.stderr
	k.process.WaitDelay = time.Second
	if err := k.process.Start(); err != nil {
		ours.Close()
		return fmt.Errorf("start the evaluator: %w", err)
	}
	k.conn, k.ended = wire.New(ours, k.handle), make(chan struct{})
	conn, ended := k.conn, k.ended
	go func() { // ends with the evaluator; stop waits for it
		defer close(ended)
		conn.Serve(context.Background()) //nolint:errcheck // why it ended is told by the process
	}()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if _, err := k.conn.Call(ctx, "start", k.how); err != nil {
		k.stop()
		return fmt.Errorf("start the evaluator: %w%s", err, k.stderr.said())
	}
	return nil
}

// stop ends the evaluator and waits for it.
func (k *keeper) stop() {
	k.conn.Close()
	k.process.Process.Kill() //nolint:errcheck // it may have ended
	k.process.Wait()         //nolint:errcheck // how it ended does not matter
	<-k.ended
}

// handle does what the evaluator asks: it prints, and asks the node.
func (k *keeper) handle(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
	switch fn {
	case "out":
		var text []byte
		if err := scan(args, &text); err != nil {
			return nil, err
		}
		_, err := k.out.Write(text)
		return nil, err
	case "node":
		var what string
		var rest []any
		if err := scan(args, &what, &rest); err != nil {
			return nil, err
		}
		return k.node.Call(ctx, what, rest...)
	}
	return nil, fmt.Errorf("a keeper does not know %q", fn)
}

// errReplaced says that an evaluator had to be replaced; its text says why.
type errReplaced struct{ why string }

func (e *errReplaced) Error() string {
	return e.why + ". A new one has taken its place; functions and plain values that were defined are still there"
}

// run has the evaluator run source. Each value on stop asks it to stop; if it does
// not within stopTime, or is asked again, it is replaced, as one is that has ended by
// itself: *errReplaced.
func (k *keeper) run(ctx context.Context, source string, width int, stop <-chan os.Signal) (outcome, error) {
	k.runs++
	done := make(chan struct{})
	var raw json.RawMessage
	var err error
	go func() {
		defer close(done)
		raw, err = k.conn.Call(context.Background(), "run", k.runs, source, width)
	}()
	if why := k.await(ctx, done, stop); why != "" {
		k.process.Process.Kill() //nolint:errcheck // it may have ended
		<-done
		return outcome{}, k.replace(ctx, why)
	}
	if errors.Is(err, wire.ErrClosed) {
		return outcome{}, k.replace(ctx, k.died())
	}
	var o outcome
	if err == nil {
		err = json.Unmarshal(raw, &o)
	}
	if err == nil {
		k.how.Again = o.Saved
	}
	return o, err
}

// await waits for a run, passes on that it should stop, and says why it will not be
// waited for any longer.
func (k *keeper) await(ctx context.Context, done <-chan struct{}, stop <-chan os.Signal) (why string) {
	var late <-chan time.Time
	over := ctx.Done()
	for {
		select {
		case <-done:
			return ""
		case <-late:
			return "it did not stop and was ended"
		case <-stop:
			if late != nil {
				return "it was ended"
			}
		case <-over:
			over = nil
		}
		k.conn.Note("interrupt", k.runs) //nolint:errcheck // one that has gone needs no stopping
		late = time.After(stopTime)
	}
}

// signsOfNoMemory are what the runtimes of Go and C say before they end for want of memory: stacks of threads count,
// and C does not always look at what it was given.
var signsOfNoMemory = []string{
	"out of memory",
	"cannot allocate",
	"SIGSEGV",
	"pthread_create failed: Resource temporarily",
	"failed to create new OS thread",
}

// died says what an evaluator ended of.
func (k *keeper) died() string {
	k.process.Wait() //nolint:errcheck // its words say more than its status
	said := k.stderr.said()
	for _, sign := range signsOfNoMemory {
		if strings.Contains(said, sign) {
			return "it ran out of memory"
		}
	}
	return "the evaluator ended" + said
}

// replace starts another evaluator.
func (k *keeper) replace(ctx context.Context, why string) error {
	k.stop()
	if err := k.start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return &errReplaced{why}
}

// tail keeps the beginning of what an evaluator says to nobody: a fatal error of the
// runtime says first what it is.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p[:min(len(p), max(0, tailBytes-t.buf.Len()))])
	return len(p), nil
}

// said is the first line of it, with a colon before it.
func (t *tail) said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(t.buf.String()), "\n")
	if line == "" {
		return ""
	}
	return ": " + line
}
