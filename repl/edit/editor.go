package edit

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxUndone limits the undo history, in bytes, approximately.
const maxUndone = 1 << 20

// ErrInterrupt reports Ctrl-C.
var ErrInterrupt = errors.New("interrupted")

// Candidate is a possible completion.
type Candidate struct {
	Text string // the whole word
	Doc  string // one line, may be empty
}

// Config configures an editor. Functions are called during Read, on its goroutine.
type Config struct {
	In, Out      *os.File                                           // a terminal
	Prompt       func() string                                      // may contain SGR sequences
	Continuation string                                             // shown before continuation lines
	Incomplete   func(text string) bool                             // if true, Enter inserts a newline
	Complete     func(text string) (list []Candidate, replaces int) // candidates for the last replaces bytes of text
	History      *History
}

// Editor reads lines from a terminal. Use it from one goroutine. Between two reads the terminal does not echo, and
// Ctrl-C is a signal.
type Editor struct {
	Config
	tty     *tty
	decoder decoder
	ahead   []key // decoded but not handled

	buffer
	killed  string
	undone  []buffer // states to undo to, latest last
	typing  bool     // the last key inserted text, which one undo takes back together with the next
	entry   int      // shown history entry; len(entries) is the line being typed
	draft   string   // that line, while another entry is shown
	search  *search
	helpers []string // rows below the text
	drawn   layout   // on the screen
}

// New takes over a terminal until Close. It fails if In is not a terminal.
func New(cfg Config) (*Editor, error) {
	terminal, err := openTTY(cfg.In, cfg.Out)
	if err != nil {
		return nil, err
	}
	if cfg.History == nil {
		cfg.History = &History{}
	}
	return &Editor{Config: cfg, tty: terminal}, terminal.set(false)
}

// Close restores the terminal's settings.
func (e *Editor) Close() error { return e.tty.restore() }

// Read edits a line, or a block of lines. The error is ErrInterrupt for Ctrl-C, io.EOF for Ctrl-D on an empty line or a
// closed terminal, or the context's.
func (e *Editor) Read(ctx context.Context) (text string, err error) {
	wake, err := newAlarm(ctx)
	if err != nil {
		return "", err
	}
	defer wake.stop()
	if err := e.tty.set(true); err != nil {
		return "", err
	}
	e.write("\x1b[?2004h")
	defer func() {
		e.write("\x1b[?2004l")
		e.tty.set(false) //nolint:errcheck // the next read notices a closed terminal
		if err == nil && e.interrupted() {
			e.write("^C\r\n")
			text, err = "", ErrInterrupt
		}
	}()
	e.begin()
	for {
		if len(e.ahead) == 0 {
			e.draw()
			if err := e.fill(ctx, wake); err != nil {
				e.leave("\r\n")
				return "", err
			}
			continue
		}
		next := e.ahead[0]
		e.ahead = e.ahead[1:]
		if done, err := e.handle(next); done {
			text := e.text
			if err == nil {
				e.leave("\r\n")
				e.History.Add(text) //nolint:errcheck // the entry stays in memory
			}
			return text, err
		}
	}
}

// begin starts with an empty line.
func (e *Editor) begin() {
	e.buffer, e.undone, e.typing, e.draft, e.search, e.helpers, e.drawn = buffer{}, nil, false, "", nil, nil, layout{}
	e.entry = len(e.History.entries)
}

// fill waits for keys.
func (e *Editor) fill(ctx context.Context, wake *alarm) error {
	limit := escapeTime
	if !e.decoder.waits() {
		limit = -1
	}
	keys, alarmed, err := e.tty.wait(wake, limit)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case keys:
		return e.take()
	case alarmed:
		wake.clear()
	default:
		e.ahead = append(e.ahead, e.decoder.flush()...)
	}
	return nil
}

// take reads the available keys.
func (e *Editor) take() error {
	typed, err := e.tty.read()
	if e.decoder.pasting && string(typed) == "\x03" && !e.tty.more(escapeTime) {
		e.decoder = decoder{} // the end of a paste was lost: a lone Ctrl-C is not part of it
	}
	e.ahead = append(e.ahead, e.decoder.decode(typed)...)
	return err
}

// interrupted reports whether Ctrl-C was typed after the accepted line, before the terminal turned it into a signal.
// Then the line and the keys between are discarded.
func (e *Editor) interrupted() bool {
	for e.tty.more(0) && e.take() == nil { //nolint:revive // the next read notices a closed terminal
	}
	for i := len(e.ahead) - 1; i >= 0; i-- {
		if e.ahead[i].name == "C-c" {
			e.ahead = e.ahead[i+1:]
			return true
		}
	}
	return false
}

// handle handles a key; done ends Read.
func (e *Editor) handle(k key) (done bool, err error) {
	e.helpers = nil
	if e.search != nil && e.searchKey(k) {
		return false, nil
	}
	wasTyping := e.typing
	e.typing = false
	switch k.name {
	case "":
		e.remember(wasTyping && k.text != " ")
		e.insert(k.text)
		e.typing = true
	case "paste":
		e.remember(false)
		e.insert(k.text)
	case "enter":
		if e.Incomplete == nil || !e.Incomplete(e.text) {
			return true, nil
		}
		e.remember(false)
		e.insert("\n")
	case "C-c":
		e.leave("^C\r\n")
		return true, ErrInterrupt
	case "C-d":
		if e.text == "" {
			e.leave("\r\n")
			return true, io.EOF
		}
		e.delete()
	default:
		if act := actions[k.name]; act != nil {
			act(e)
		}
	}
	return false, nil
}

// remember saves the state for undo, unless the last saved one covers this change.
func (e *Editor) remember(same bool) {
	if !same {
		e.undone = append(e.undone, e.buffer)
		e.undone = e.undone[max(0, len(e.undone)-min(500, 1+maxUndone/(1+len(e.text)))):]
	}
}

func (e *Editor) write(text string) {
	io.WriteString(e.tty.out, text) //nolint:errcheck // the next read notices a closed terminal
}

// layout is the wanted content of the screen.
func (e *Editor) layout(cols int) layout {
	if e.search != nil {
		return newLayout(e.search.prompt(), e.Continuation, e.text, e.pos, cols)
	}
	return newLayout(e.Prompt(), e.Continuation, e.text, e.pos, cols)
}

// draw redraws the text. A resized terminal has reflowed what was drawn.
func (e *Editor) draw() {
	rows, cols := e.tty.size()
	above := min(e.drawn.reflowed(cols), rows-1)
	helpers := e.helpers[:min(len(e.helpers), max(0, rows-1))]
	l := e.layout(cols).window(rows - len(helpers))
	l.below = helpers
	if !l.equal(e.drawn) {
		e.write(drawing(above, l))
		e.drawn = l
	}
}

// drawing returns the output that replaces what starts above rows over the cursor by a layout.
func drawing(above int, l layout) string {
	var b strings.Builder
	b.WriteString("\x1b[?25l")
	move(&b, above, 'A')
	b.WriteString("\r\x1b[J")
	b.WriteString(strings.Join(slices.Concat(l.rows, l.below), "\r\n"))
	move(&b, len(l.rows)-1+len(l.below)-l.row, 'A')
	b.WriteString("\r")
	move(&b, l.col, 'C')
	b.WriteString("\x1b[?25h")
	return b.String()
}

// leave moves the cursor below the text and writes end.
func (e *Editor) leave(end string) {
	e.pos, e.helpers, e.search = len(e.text), nil, nil
	e.draw()
	if last := e.drawn; last.col == 0 && last.row > 0 && !strings.HasSuffix(e.text, "\n") && end == "\r\n" {
		return // the last row is full, so the cursor is already below
	}
	e.write(end)
}

// move moves the cursor by n if n > 0.
func move(b *strings.Builder, n int, final byte) {
	if n > 0 {
		b.WriteString("\x1b[")
		b.WriteString(strconv.Itoa(n))
		b.WriteByte(final)
	}
}
