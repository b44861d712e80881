package repl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"convoy/repl/edit"
	"convoy/repl/lang"
)

// completeTime is how long Tab waits for completions. Tests lengthen it.
var completeTime = 500 * time.Millisecond

const greeting = "Convoy shell on %s. help() lists the functions.\n"

// Prompt reads lines from the terminal on standard input and runs them until Ctrl-D, or until the terminal or the node
// goes away. It returns the exit status. The sandbox starts meanwhile.
func Prompt(ctx context.Context, o Options) int {
	s := o.supervisor()
	s.ownGroup = true
	if err := s.launch(); err != nil {
		fmt.Fprintln(o.Err, "convoy: error:", err)
		return 1
	}
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	var failed error
	s.begun = make(chan struct{})
	go func() {
		defer close(s.begun)
		if failed = s.begin(ctx); failed != nil {
			stopReading()
		}
	}()
	defer func() { s.stop(); <-s.begun }()
	fmt.Fprintf(o.Out, greeting, paint(o.Color, "1", o.Name))
	history, err := edit.OpenHistory(o.History)
	if err != nil {
		fmt.Fprintln(o.Err, "convoy: error: cannot keep the history:", err)
	}
	editor, err := newEditor(o, s, history)
	if err != nil {
		fmt.Fprintln(o.Err, "convoy: error:", err)
		return 1
	}
	defer editor.Close() //nolint:errcheck // the terminal may be gone
	for {
		drain(o.Stop)
		line, err := editor.Read(reading)
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return 0
		}
		<-s.begun
		switch {
		case failed != nil:
			fmt.Fprintln(o.Err, "convoy: error:", failed)
			return 1
		case errors.Is(err, edit.ErrInterrupt):
			continue
		case err != nil:
			fmt.Fprintln(o.Err, "convoy: error:", err)
			return 1
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !runLine(ctx, o, s, line) {
			return 1
		}
	}
}

// runLine runs a line and shows its error. It returns false if no sandbox can be started.
func runLine(ctx context.Context, o Options, s *supervisor, line string) bool {
	if link, ok := o.Node.(*Link); ok {
		link.setBusy(true)
		defer link.setBusy(false)
	}
	result, err := s.run(ctx, line, columns(), o.Stop)
	switch {
	case err == nil:
		fmt.Fprint(o.Out, result.Error)
	case isReplaced(err):
		fmt.Fprintln(o.Out, paint(o.Color, "31", "error: "+err.Error()))
	default:
		fmt.Fprintln(o.Err, "convoy: error:", err)
		return false
	}
	return true
}

func isReplaced(err error) bool {
	_, ok := errors.AsType[*replacedError](err)
	return ok
}

// drain discards interrupts that came while nothing ran.
func drain(stop <-chan os.Signal) {
	for {
		select {
		case <-stop:
		default:
			return
		}
	}
}

func newEditor(o Options, s *supervisor, history *edit.History) (*edit.Editor, error) {
	return edit.New(edit.Config{
		In: os.Stdin, Out: os.Stdout, History: history, Incomplete: lang.Incomplete, Complete: s.completions,
		Prompt:       func() string { return promptText(o, s.runs+1) },
		Continuation: paint(o.Color, "2", "... "),
	})
}

// promptText is convoy@name(n)>, with the first label of the node's host.
func promptText(o Options, n int) string {
	short := o.Name
	if base, host, ok := strings.Cut(o.Name, "@"); ok {
		label, _, _ := strings.Cut(host, ".")
		short = base + "@" + label
	}
	return paint(o.Color, "1;36", short) + fmt.Sprintf("(%d)> ", n)
}

func paint(color bool, style, text string) string {
	if !color {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[m"
}

// completions asks the sandbox for completions of text, and returns none if it does not answer in time.
func (s *supervisor) completions(text string) (list []edit.Candidate, replaces int) {
	ctx, cancel := context.WithTimeout(context.Background(), completeTime)
	defer cancel()
	select {
	case <-s.begun:
	case <-ctx.Done():
		return nil, 0
	}
	raw, err := s.conn.Call(ctx, "complete", text)
	var c completion
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return nil, 0
	}
	for _, one := range c.List {
		list = append(list, edit.Candidate(one))
	}
	return list, c.Replaces
}

// columns is the width of the terminal on standard output, 0 if it is not a terminal.
func columns() int {
	size, err := unix.IoctlGetWinsize(int(os.Stdout.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
