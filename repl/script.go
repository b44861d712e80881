package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Options configure a Convoy shell.
type Options struct {
	Command Command // starts a sandbox
	Node    Node
	Name    string // of the node, for the prompt
	History string // file; "" keeps no history
	Color   bool
	JSON    bool   // values as JSON, one per line
	Steps   uint64 // limit per run; 0: the language's default
	Out     io.Writer
	Err     io.Writer
	Stop    <-chan os.Signal // each value interrupts the current run; may be nil
}

func (o Options) supervisor() *supervisor {
	return &supervisor{
		command:  o.Command,
		node:     o.Node,
		out:      o.Out,
		settings: settings{Color: o.Color, Plain: o.JSON, Steps: o.Steps},
		stopTime: 2 * time.Second,
	}
}

// Script runs source and returns the exit status: 0, 1 if it failed, 130 if it was interrupted. ctx limits its time.
func Script(ctx context.Context, o Options, source string) int {
	s := o.supervisor()
	if err := s.start(ctx); err != nil {
		fmt.Fprintln(o.Err, "convoy: error:", err)
		return 1
	}
	defer s.stop()
	result, err := s.run(ctx, source, 0, o.Stop)
	if err != nil {
		fmt.Fprintln(o.Err, "convoy: error:", reason(ctx, err))
		return 1
	}
	if result.Error != "" {
		fmt.Fprint(o.Err, result.Error)
		if result.Text == "interrupted" && ctx.Err() == nil {
			return 130
		}
		return 1
	}
	return 0
}

// reason says why a run failed.
func reason(ctx context.Context, err error) string {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, context.DeadlineExceeded):
		return "it took too long and was stopped"
	case errors.Is(cause, errOutput):
		return errOutput.Error()
	}
	if replaced, ok := errors.AsType[*replacedError](err); ok {
		return replaced.reason
	}
	return err.Error()
}

// Result is the result of an evaluation.
type Result struct {
	Output string `json:"output"` // including the last value
	Error  string `json:"error"`  // "" on success
}

// maxOutput limits the output of an evaluation, in bytes.
const maxOutput = 1 << 20

// Eval runs source in a separate sandbox. Errors of the source are in the result; the returned error is about the
// sandbox. ctx limits its time.
func Eval(ctx context.Context, o Options, source string) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := limitedBuffer{full: func() { cancel(errOutput) }}
	o.Out = &out
	s := o.supervisor()
	if err := s.start(ctx); err != nil {
		return Result{}, err
	}
	defer s.stop()
	done, err := s.run(ctx, source, 0, nil)
	if replaced, ok := errors.AsType[*replacedError](err); ok {
		return Result{Output: out.String(), Error: reason(ctx, replaced)}, nil
	}
	if err != nil {
		return Result{}, err
	}
	text := done.Text
	if text != "" && ctx.Err() != nil {
		text = reason(ctx, errors.New(text))
	}
	return Result{Output: out.String(), Error: text}, nil
}

var errOutput = fmt.Errorf("it printed more than %d MiB and was stopped", maxOutput>>20)

// limitedBuffer keeps the first maxOutput bytes and calls full at the first byte beyond.
type limitedBuffer struct {
	text []byte
	over bool
	full func()
}

func (l *limitedBuffer) Write(p []byte) (int, error) {
	room := maxOutput - len(l.text)
	l.text = append(l.text, p[:min(len(p), room)]...)
	if len(p) > room && !l.over {
		l.over = true
		l.full()
	}
	return len(p), nil
}

func (l *limitedBuffer) String() string {
	if l.over {
		return string(l.text) + "\n… the rest is left out\n"
	}
	return string(l.text)
}
