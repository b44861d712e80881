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
	// sandboxFd is the sandbox's connection to its supervisor.
	sandboxFd = 3
	// maxFiles limits the sandbox's descriptors.
	maxFiles = 32
	// niceness is the sandbox's scheduling priority (nice(2)).
	niceness = 10
	// Output is sent once outBytes have accumulated, or after outTime.
	outBytes = 16 << 10
	outTime  = 50 * time.Millisecond
	// savedBytes limits the definitions that survive a replacement.
	savedBytes = 256 << 10
)

// Protection is one of the restrictions on a sandbox.
type Protection struct {
	Name   string `json:"name"`
	What   string `json:"what"` // what it prevents
	Active bool   `json:"active"`
}

// settings configure a session.
type settings struct {
	Color       bool   `json:"color"`
	Plain       bool   `json:"plain"`
	Steps       uint64 `json:"steps"`
	Definitions string `json:"again"` // source that restores the previous sandbox's definitions
}

// outcome is the result of one run.
type outcome struct {
	Error       string `json:"error"` // formatted for the terminal; empty on success
	Text        string `json:"text"`  // the error's message alone
	Definitions string `json:"saved"` // source that restores the session's definitions
}

// sandbox is the process that evaluates input.
type sandbox struct {
	conn    *wire.Conn
	session *lang.Session
	out     *output
	runMu   sync.Mutex // one run or completion at a time

	mu          sync.Mutex
	current     int                // of the current run
	cancel      context.CancelFunc // cancels it
	interrupted int                // the run to cancel, which may not have started
}

// RunSandbox is the main function of a sandbox: it restricts this process, then serves the supervisor on descriptor 3
// until that connection closes. It returns the exit status.
func RunSandbox() int {
	signal.Ignore(syscall.SIGINT) // the supervisor decides when to stop
	if err := lock(); err != nil {
		fmt.Fprintln(os.Stderr, "convoy: error: cannot restrict the shell's sandbox:", err)
		return 1
	}
	s := &sandbox{}
	s.conn = wire.New(os.NewFile(sandboxFd, "supervisor"), s.handle)
	s.out = &output{conn: s.conn}
	go s.conn.Serve(context.Background()) //nolint:errcheck // ends with the process
	<-s.conn.Done()                       // a run in progress ends with the process
	return 0
}

// Call forwards a call to the node. Earlier output is shown first.
func (s *sandbox) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	s.out.flush()
	return s.conn.Call(ctx, "node", fn, args)
}

func (s *sandbox) handle(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
	switch fn {
	case "start":
		var cfg settings
		if err := decodeArgs(args, &cfg); err != nil {
			return nil, err
		}
		return nil, s.start(ctx, cfg)
	case "run":
		var number, width int
		var source string
		if err := decodeArgs(args, &number, &source, &width); err != nil {
			return nil, err
		}
		return s.run(ctx, number, source, width)
	case "complete":
		var line string
		if err := decodeArgs(args, &line); err != nil {
			return nil, err
		}
		return s.complete(ctx, line)
	case "interrupt":
		var number int
		if err := decodeArgs(args, &number); err != nil {
			return nil, err
		}
		s.interrupt(number)
		return nil, nil
	}
	return nil, fmt.Errorf("the sandbox has no function %q", fn)
}

func (s *sandbox) start(ctx context.Context, cfg settings) error {
	s.session = lang.New(lang.Config{Node: s, Out: s.out, Color: cfg.Color, Plain: cfg.Plain, Steps: cfg.Steps})
	if cfg.Definitions == "" {
		return nil
	}
	return s.session.Run(ctx, "<before>", cfg.Definitions)
}

// interrupt cancels a run, even one that has not started.
func (s *sandbox) interrupt(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted = number
	if s.current == number {
		s.cancel()
	}
}

// begin registers the run that interrupt cancels.
func (s *sandbox) begin(number int, stop context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.cancel = number, stop
	if s.interrupted == number {
		stop()
	}
}

func (s *sandbox) run(parent context.Context, number int, source string, width int) (outcome, error) {
	s.runMu.Lock()
	defer s.runMu.Unlock()
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	s.begin(number, cancel)
	s.session.SetWidth(width)
	var o outcome
	if err := s.session.Run(ctx, fmt.Sprintf("<%d>", number), source); err != nil {
		o.Error, o.Text = s.session.Show(err), err.Error()
	}
	s.out.flush()
	o.Definitions = s.session.Definitions(savedBytes)
	return o, nil
}

// completion lists what can complete a line.
type completion struct {
	List     []lang.Candidate `json:"list"`
	Replaces int              `json:"replaces"`
}

func (s *sandbox) complete(ctx context.Context, line string) (c completion, err error) {
	s.runMu.Lock()
	defer s.runMu.Unlock()
	c.List, c.Replaces = s.session.Complete(ctx, line)
	return c, nil
}

func decodeArgs(args []json.RawMessage, into ...any) error {
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

// output sends what a run prints to the supervisor: immediately after a pause, else in larger pieces. Writes block
// while the supervisor does not read.
type output struct {
	conn *wire.Conn

	mu       sync.Mutex
	buf      bytes.Buffer
	lastSent time.Time
	timer    *time.Timer // sends buf; nil if buf is empty
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	wait := outTime - time.Since(o.lastSent)
	if o.buf.Len() >= outBytes || wait <= 0 {
		return len(p), o.send()
	}
	if o.timer == nil {
		o.timer = time.AfterFunc(wait, o.flush)
	}
	return len(p), nil
}

func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send() //nolint:errcheck // Serve notices that the supervisor is gone
}

// send requires o.mu.
func (o *output) send() error {
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
	if o.buf.Len() == 0 {
		return nil
	}
	defer o.buf.Reset()
	o.lastSent = time.Now()
	return o.conn.Notify("out", o.buf.Bytes())
}
