package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Options say what a Convoy shell is given.
type Options struct {
	Command Command // starts an evaluator
	Node    Node
	Name    string // of the node, for the prompt
	History string // file that keeps what was typed; "": nothing is kept
	Color   bool
	JSON    bool   // values as JSON, a line each
	Steps   uint64 // that one run may take; 0: the language's own bound
	Out     io.Writer
	Err     io.Writer
	Stop    <-chan os.Signal // each value asks what runs to stop; nil: nobody does
}

func (o Options) keeper() *keeper {
	return &keeper{
		command: o.Command,
		node:    o.Node,
		out:     o.Out,
		how:     settings{Color: o.Color, Plain: o.JSON, Steps: o.Steps},
	}
}

// Script runs source text and returns the exit status: 0, 1 if it failed, 130 if it
// was stopped. ctx bounds its time.
func Script(ctx context.Context, o Options, source string) int {
	k := o.keeper()
	if err := k.start(ctx); err != nil {
		fmt.Fprintln(o.Err, "convoy: error:", err)
		return 1
	}
	defer k.stop()
	result, err := k.run(ctx, source, 0, o.Stop)
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

// reason is why a run came to nothing.
func reason(ctx context.Context, err error) string {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, context.DeadlineExceeded):
		return "it took too long and was ended"
	case errors.Is(cause, errOutput):
		return errOutput.Error()
	}
	if replaced, ok := errors.AsType[*errReplaced](err); ok {
		return replaced.why
	}
	return err.Error()
}

// Result is what an evaluation gave.
type Result struct {
	Output string `json:"output"` // what was printed, the last value at its end
	Error  string `json:"error"`  // why it failed; "" if it did not
}

// maxOutput bounds the output of an evaluation, in bytes.
const maxOutput = 1 << 20

// Eval runs source text by itself in an evaluator of its own. The error is for what
// concerns the evaluator; what is wrong with the source is in the result. ctx bounds
// its time.
func Eval(ctx context.Context, o Options, source string) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := limited{full: func() { cancel(errOutput) }}
	o.Out = &out
	k := o.keeper()
	if err := k.start(ctx); err != nil {
		return Result{}, err
	}
	defer k.stop()
	done, err := k.run(ctx, source, 0, nil)
	if replaced, ok := errors.AsType[*errReplaced](err); ok {
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

var errOutput = fmt.Errorf("it printed more than %d MiB and was ended", maxOutput>>20)

// limited keeps the first maxOutput bytes that are written, and tells when there are more.
type limited struct {
	text []byte
	over bool
	full func()
}

func (l *limited) Write(p []byte) (int, error) {
	room := maxOutput - len(l.text)
	l.text = append(l.text, p[:min(len(p), room)]...)
	if len(p) > room && !l.over {
		l.over = true
		l.full()
	}
	return len(p), nil
}

func (l *limited) String() string {
	if l.over {
		return string(l.text) + "\n… the rest is left out\n"
	}
	return string(l.text)
}
