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

	"github.com/reeflective/readline"
	"golang.org/x/sys/unix"

	"convoy/repl/lang"
)

// completeTime is how long Tab waits for what may stand there.
const completeTime = 500 * time.Millisecond

// greeting is what a new prompt says.
const greeting = "Convoy shell on %s. help() says what there is.\n"

// Prompt reads lines from the terminal on standard input and runs them until
// Ctrl-D, or until the terminal or the node goes away. It returns the exit status.
func Prompt(ctx context.Context, o Options) int {
	k := o.keeper()
	if err := k.start(ctx); err != nil {
		fmt.Fprintln(o.Err, "convoy: error:", err)
		return 1
	}
	defer func() { k.stop() }()
	fmt.Fprintf(o.Out, greeting, paint(o.Color, "1", o.Name))
	history := openHistory(o.History)
	editor := newEditor(o, k, history)
	for ctx.Err() == nil {
		line, err := editor.Readline()
		switch {
		case errors.Is(err, readline.ErrInterrupt):
			editor = newEditor(o, k, history) // an interrupted one would swallow the next key
			continue
		case errors.Is(err, io.EOF):
			return 0
		case err != nil:
			fmt.Fprintln(o.Err, "convoy: error:", err)
			return 1
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !runLine(ctx, o, k, line) {
			return 1
		}
	}
	return 0
}

// runLine runs what was typed and shows what is wrong with it; false if no evaluator
// can be had any more.
func runLine(ctx context.Context, o Options, k *keeper, line string) bool {
	drain(o.Stop)
	result, err := k.run(ctx, line, columns(), o.Stop)
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
	_, ok := errors.AsType[*errReplaced](err)
	return ok
}

// drain forgets what asked to stop while nothing ran.
func drain(stop <-chan os.Signal) {
	for {
		select {
		case <-stop:
		default:
			return
		}
	}
}

// newEditor makes the line editor. Nothing of the user's own settings is read, and
// nothing in it starts another program.
func newEditor(o Options, k *keeper, history readline.History) *readline.Shell {
	editor := readline.NewShell()
	forbid(editor)
	set := func(name string, value any) { editor.Config.Set(name, value) } //nolint:errcheck // names that the library knows
	set("cursor-position-probe", true)                                     // each node answers its shells, whoever looks
	set("enable-bracketed-paste", true)
	set("history-autosuggest", false)
	set("completion-ignore-case", true)
	set("show-all-if-ambiguous", true)
	editor.Prompt.Primary(func() string { return promptText(o, k.runs+1) })
	editor.Prompt.Secondary(func() string { return paint(o.Color, "2", strings.Repeat(".", 3)+" ") })
	editor.AcceptMultiline = func(line []rune) bool { return !lang.Incomplete(string(line)) }
	editor.Completer = func(line []rune, cursor int) readline.Completions { return k.completions(string(line[:cursor])) }
	editor.History.Delete()
	editor.History.Add("history", history)
	return editor
}

// forbidden are the editor's commands that read files or start programs.
var forbidden = map[string]bool{
	"edit-command-line": true, "vi-edit-command-line": true, "edit-and-execute-command": true, "vi-edit-and-execute-command": true,
	"re-read-init-file": true, "execute-named-command": true, "shell-expand-line": true,
}

// forbid takes the forbidden commands from all keys.
func forbid(editor *readline.Shell) {
	for _, binds := range editor.Config.Binds {
		for keys, bind := range binds {
			if forbidden[bind.Action] {
				delete(binds, keys)
			}
		}
	}
}

// openHistory opens the file of what was typed, which it makes if it is not there.
// Without a file, or where it cannot be written, history lasts as long as the prompt.
func openHistory(path string) readline.History {
	if path != "" {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err == nil {
			err = file.Close()
		}
		if err == nil {
			if source, err := readline.NewHistoryFromFile(path); err == nil {
				return source
			}
		}
	}
	return readline.NewInMemoryHistory()
}

// promptText is convoy@name(n)> with the first label of the node's host.
func promptText(o Options, n int) string {
	short := o.Name
	if base, host, ok := strings.Cut(o.Name, "@"); ok {
		label, _, _ := strings.Cut(host, ".")
		short = base + "@" + label
	}
	return paint(o.Color, "1;36", short) + fmt.Sprintf("(%d)> ", n)
}

func paint(color bool, how, text string) string {
	if !color {
		return text
	}
	return "\x1b[" + how + "m" + text + "\x1b[m"
}

// completions asks the evaluator what may stand at the end of text.
func (k *keeper) completions(text string) readline.Completions {
	ctx, cancel := context.WithTimeout(context.Background(), completeTime)
	defer cancel()
	raw, err := k.conn.Call(ctx, "complete", text)
	if err != nil {
		return readline.CompleteMessage("no completions: %v", err)
	}
	var c completion
	if err := json.Unmarshal(raw, &c); err != nil {
		return readline.CompleteMessage("no completions: %v", err)
	}
	values := make([]string, 0, 2*len(c.List))
	for _, one := range c.List {
		values = append(values, one.Text, one.Doc)
	}
	list := readline.CompleteValuesDescribed(values...).NoSpace('.', '(', '"')
	list.PREFIX = text[len(text)-c.Replaces:]
	return list
}

// columns is the width of the terminal on standard output, 0 if there is none.
func columns() int {
	size, err := unix.IoctlGetWinsize(int(os.Stdout.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
