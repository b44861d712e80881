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

// maxUndone bounds what undo keeps, in bytes or so.
const maxUndone = 1 << 20

// ErrInterrupt says that Ctrl-C was pressed.
var ErrInterrupt = errors.New("interrupted")

// Candidate is something that may stand at the cursor.
type Candidate struct {
	Text string // the whole word
	Doc  string // a line on it, or nothing
}

// Config says how lines are edited. Functions are called while a line is read, on its goroutine.
type Config struct {
	In, Out    *os.File                                           // a terminal
	Prompt     func() string                                      // may be painted (SGR)
	More       string                                             // stands before further lines of a block
	Incomplete func(text string) bool                             // Enter begins another line
	Complete   func(text string) (list []Candidate, replaces int) // what may stand behind text, for its last so many bytes
	History    *History
}

// Editor reads lines from a terminal. One goroutine may use it. Between two reads the terminal shows no keys, and
// Ctrl-C is a signal.
type Editor struct {
	Config
	tty     *tty
	decoder decoder
	ahead   []key // decoded, and not handled yet

	buffer
	killed  string
	undone  []buffer // what undo goes back to, the last first
	typing  bool     // the last key typed a letter, which undo takes together with the next
	entry   int      // of the history that is shown; that behind the last is what is typed
	draft   string   // that, while another is shown
	search  *search
	helpers []string // rows below the text
	drawn   layout   // what is on the screen
}

// New takes a terminal over, until Close. It fails if there is none.
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

// Close gives the terminal back as it was found.
func (e *Editor) Close() error { return e.tty.restore() }

// Read has a line, or a block of lines, edited. The error is ErrInterrupt for a Ctrl-C, io.EOF for a Ctrl-D on an empty
// line or a terminal that is gone, or the context's.
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
		e.tty.set(false) //nolint:errcheck // a terminal that is gone is seen by the next read
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
				e.History.Add(text) //nolint:errcheck // it is kept for as long as the editor is there
			}
			return text, err
		}
	}
}

// begin begins with an empty line.
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

// take takes what keys there are.
func (e *Editor) take() error {
	typed, err := e.tty.read()
	if e.decoder.pasting && string(typed) == "\x03" && !e.tty.more(escapeTime) {
		e.decoder = decoder{} // a paste whose end is lost: a Ctrl-C by itself is nothing pasted
	}
	e.ahead = append(e.ahead, e.decoder.decode(typed)...)
	return err
}

// interrupted reports that a Ctrl-C was typed behind the line that was accepted, which is not to run then, nor what was
// typed between the two: it came before the terminal made a signal of it.
func (e *Editor) interrupted() bool {
	for e.tty.more(0) && e.take() == nil { //nolint:revive // a terminal that is gone is seen by the next read
	}
	for i := len(e.ahead) - 1; i >= 0; i-- {
		if e.ahead[i].name == "C-c" {
			e.ahead = e.ahead[i+1:]
			return true
		}
	}
	return false
}

// handle does what a key says. done ends the reading.
func (e *Editor) handle(k key) (done bool, err error) {
	e.helpers = nil
	if e.search != nil && e.searches(k) {
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

// remember keeps the text for undo, unless the last one that was kept stands for this change as well.
func (e *Editor) remember(same bool) {
	if !same {
		e.undone = append(e.undone, e.buffer)
		e.undone = e.undone[max(0, len(e.undone)-min(500, 1+maxUndone/(1+len(e.text)))):]
	}
}

func (e *Editor) write(text string) {
	io.WriteString(e.tty.out, text) //nolint:errcheck // a terminal that is gone is seen by the next read
}

// lay is what should be on the screen.
func (e *Editor) lay(cols int) layout {
	if e.search != nil {
		return lay(e.search.prompt(), e.More, e.text, e.pos, cols)
	}
	return lay(e.Prompt(), e.More, e.text, e.pos, cols)
}

// draw draws over what is on the screen, which a terminal of another size than it was drawn for has folded.
func (e *Editor) draw() {
	rows, cols := e.tty.size()
	above := min(e.drawn.reflowed(cols), rows-1)
	helpers := e.helpers[:min(len(e.helpers), max(0, rows-1))]
	l := e.lay(cols).window(rows - len(helpers))
	l.below = helpers
	if !l.equal(e.drawn) {
		e.write(drawing(above, l))
		e.drawn = l
	}
}

// drawing is what shows a layout in place of what begins so many rows above the cursor.
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

// leave puts the cursor below the text; what is written is behind its end.
func (e *Editor) leave(end string) {
	e.pos, e.helpers, e.search = len(e.text), nil, nil
	e.draw()
	if last := e.drawn; last.col == 0 && last.row > 0 && !strings.HasSuffix(e.text, "\n") && end == "\r\n" {
		return // the last row is full, and the cursor below it already
	}
	e.write(end)
}

// move writes a movement of the cursor by n, which 0 is not.
func move(b *strings.Builder, n int, how byte) {
	if n > 0 {
		b.WriteString("\x1b[")
		b.WriteString(strconv.Itoa(n))
		b.WriteByte(how)
	}
}
