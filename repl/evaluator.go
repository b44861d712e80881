package repl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"convoy/repl/lang"
	"convoy/repl/wire"
)

const (
	// evaluatorFd is the descriptor by which an evaluator speaks with its keeper.
	evaluatorFd = 3
	// maxFiles bounds an evaluator's descriptors, of which it needs a handful.
	maxFiles = 32
	// niceness is how far an evaluator stands back behind all others (nice(2)).
	niceness = 10
	// outBytes is how much output is collected for one message at the most, and
	// outTime how long.
	outBytes = 16 << 10
	outTime  = 50 * time.Millisecond
	// savedBytes bounds what is kept of the definitions of a session.
	savedBytes = 256 << 10
)

// Protection is something that keeps an evaluator from doing harm.
type Protection struct {
	Name   string `json:"name"`
	What   string `json:"what"` // it does
	Active bool   `json:"active"`
}

// settings are what a keeper tells an evaluator of the session.
type settings struct {
	Color bool   `json:"color"`
	Plain bool   `json:"plain"`
	Steps uint64 `json:"steps"`
	Again string `json:"again"` // definitions of the evaluator before
}

// outcome is what came of one run.
type outcome struct {
	Error string `json:"error"` // as it is shown; empty: none
	Text  string `json:"text"`  // the error's sentence alone
	Saved string `json:"saved"` // source that defines everything again
}

// evaluator is the process that runs what was typed.
type evaluator struct {
	conn    *wire.Conn
	session *lang.Session
	out     *outbox
	turn    sync.Mutex // one run or completion at a time

	mu      sync.Mutex
	number  int                // of the run under way
	stop    context.CancelFunc // ends it
	stopped int                // the run that is to end, perhaps before it has begun
}

// Evaluate is the evaluator's main: it locks itself down, then serves the keeper on
// descriptor 3 until that one goes away. It returns the exit status.
func Evaluate() int {
	signal.Ignore(syscall.SIGINT) // the keeper says when to stop
	if err := lock(); err != nil {
		fmt.Fprintln(os.Stderr, "convoy: error: the shell cannot be locked down:", err)
		return 1
	}
	e := &evaluator{}
	e.conn = wire.New(os.NewFile(evaluatorFd, "keeper"), e.handle)
	e.out = &outbox{conn: e.conn}
	go e.conn.Serve(context.Background()) //nolint:errcheck // ends with the process
	<-e.conn.Gone()                       // what still runs ends with the process as well
	return 0
}

// Call asks the node, by way of the keeper. What was printed before shows first.
func (e *evaluator) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	e.out.flush()
	return e.conn.Call(ctx, "node", fn, args)
}

// handle does what the keeper asks.
func (e *evaluator) handle(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
	switch fn {
	case "start":
		var how settings
		if err := scan(args, &how); err != nil {
			return nil, err
		}
		return nil, e.start(ctx, how)
	case "run":
		var number, width int
		var source string
		if err := scan(args, &number, &source, &width); err != nil {
			return nil, err
		}
		return e.run(ctx, number, source, width)
	case "complete":
		var line string
		if err := scan(args, &line); err != nil {
			return nil, err
		}
		return e.complete(ctx, line)
	case "interrupt":
		var number int
		if err := scan(args, &number); err != nil {
			return nil, err
		}
		e.interrupt(number)
		return nil, nil
	}
	return nil, fmt.Errorf("an evaluator does not know %q", fn)
}

func (e *evaluator) start(ctx context.Context, how settings) error {
	e.session = lang.New(lang.Config{Node: e, Out: e.out, Color: how.Color, Plain: how.Plain, Steps: how.Steps})
	if how.Again == "" {
		return nil
	}
	return e.session.Run(ctx, "<before>", how.Again)
}

// interrupt ends the run of that number, also if it has not begun.
func (e *evaluator) interrupt(number int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = number
	if e.number == number {
		e.stop()
	}
}

// begin makes a run the one that interrupt ends.
func (e *evaluator) begin(number int, stop context.CancelFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.number, e.stop = number, stop
	if e.stopped == number {
		stop()
	}
}

func (e *evaluator) run(parent context.Context, number int, source string, width int) (outcome, error) {
	e.turn.Lock()
	defer e.turn.Unlock()
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	e.begin(number, cancel)
	e.session.SetWidth(width)
	var o outcome
	if err := e.session.Run(ctx, fmt.Sprintf("<%d>", number), source); err != nil {
		o.Error, o.Text = e.session.Show(err), err.Error()
	}
	e.out.flush()
	o.Saved = e.session.Definitions(savedBytes)
	return o, nil
}

// completion is what may stand at the end of a line.
type completion struct {
	List     []lang.Candidate `json:"list"`
	Replaces int              `json:"replaces"`
}

func (e *evaluator) complete(ctx context.Context, line string) (c completion, err error) {
	e.turn.Lock()
	defer e.turn.Unlock()
	c.List, c.Replaces = e.session.Complete(ctx, line)
	return c, nil
}

// scan decodes a call's arguments.
func scan(args []json.RawMessage, into ...any) error {
	if len(args) != len(into) {
		return fmt.Errorf("%d arguments, want %d", len(args), len(into))
	}
	for i, arg := range args {
		if err := json.Unmarshal(arg, into[i]); err != nil {
			return err
		}
	}
	return nil
}

// outbox sends output to the keeper: what comes after a pause at once, what flows in
// larger pieces. It waits while the keeper does not read.
type outbox struct {
	conn *wire.Conn

	mu    sync.Mutex
	buf   bytes.Buffer
	sent  time.Time
	later *time.Timer // sends what was collected; nil: nothing was
}

func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	wait := outTime - time.Since(o.sent)
	if o.buf.Len() >= outBytes || wait <= 0 {
		return len(p), o.send()
	}
	if o.later == nil {
		o.later = time.AfterFunc(wait, o.flush)
	}
	return len(p), nil
}

func (o *outbox) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send() //nolint:errcheck // a keeper that has gone is seen by Serve
}

// send sends what was collected. The outbox is locked.
func (o *outbox) send() error {
	if o.later != nil {
		o.later.Stop()
		o.later = nil
	}
	if o.buf.Len() == 0 {
		return nil
	}
	defer o.buf.Reset()
	o.sent = time.Now()
	return o.conn.Note("out", o.buf.Bytes())
}
