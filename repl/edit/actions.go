package edit

import "strings"

// actions are the editing keys, by their names in Emacs and Bash.
var actions = map[string]func(e *Editor){
	"C-a":         func(e *Editor) { e.pos = e.lineStart() },
	"home":        func(e *Editor) { e.pos = e.lineStart() },
	"C-e":         func(e *Editor) { e.pos = e.lineEnd() },
	"end":         func(e *Editor) { e.pos = e.lineEnd() },
	"C-b":         (*Editor).left,
	"left":        (*Editor).left,
	"C-f":         (*Editor).right,
	"right":       (*Editor).right,
	"M-b":         func(e *Editor) { e.pos = e.wordStart() },
	"C-left":      func(e *Editor) { e.pos = e.wordStart() },
	"M-left":      func(e *Editor) { e.pos = e.wordStart() },
	"M-f":         func(e *Editor) { e.pos = e.wordEnd() },
	"C-right":     func(e *Editor) { e.pos = e.wordEnd() },
	"M-right":     func(e *Editor) { e.pos = e.wordEnd() },
	"M-<":         func(e *Editor) { e.pos = 0 },
	"C-home":      func(e *Editor) { e.pos = 0 },
	"M->":         func(e *Editor) { e.pos = len(e.text) },
	"C-end":       func(e *Editor) { e.pos = len(e.text) },
	"backspace":   func(e *Editor) { e.drop(e.previousOrHere(), e.pos) },
	"delete":      (*Editor).delete,
	"M-backspace": func(e *Editor) { e.kill(e.wordStart(), e.pos) },
	"C-w":         func(e *Editor) { e.kill(e.blankStart(), e.pos) },
	"M-d":         func(e *Editor) { e.kill(e.pos, e.wordEnd()) },
	"C-delete":    func(e *Editor) { e.kill(e.pos, e.wordEnd()) },
	"C-u":         func(e *Editor) { e.kill(e.lineStart(), e.pos) },
	"C-k":         (*Editor).killRest,
	"C-y":         func(e *Editor) { e.remember(false); e.insert(e.killed) },
	"C-t":         func(e *Editor) { e.remember(false); e.transpose() },
	"C-_":         (*Editor).undo,
	"C-l":         (*Editor).clear,
	"up":          (*Editor).above,
	"C-p":         (*Editor).above,
	"down":        (*Editor).below,
	"C-n":         (*Editor).below,
	"M-enter":     func(e *Editor) { e.remember(false); e.insert("\n") },
	"tab":         (*Editor).complete,
	"C-r":         func(e *Editor) { e.beginSearch(true) },
	"C-s":         func(e *Editor) { e.beginSearch(false) },
}

func (e *Editor) left()  { e.pos = e.previousOrHere() }
func (e *Editor) right() { e.pos = e.next() }

// previousOrHere is previous, or 0 at the beginning.
func (e *Editor) previousOrHere() int {
	if e.pos == 0 {
		return 0
	}
	return e.previous()
}

// drop deletes bytes.
func (e *Editor) drop(from, to int) {
	if from < to {
		e.remember(false)
		e.cut(from, to)
	}
}

func (e *Editor) delete() { e.drop(e.pos, e.next()) }

// kill deletes bytes and keeps them for yank.
func (e *Editor) kill(from, to int) {
	if from < to {
		e.remember(false)
		e.killed = e.cut(from, to)
	}
}

// killRest kills the rest of the line, or its newline at the end.
func (e *Editor) killRest() {
	to := e.lineEnd()
	if to == e.pos && to < len(e.text) {
		to++
	}
	e.kill(e.pos, to)
}

func (e *Editor) undo() {
	if n := len(e.undone); n > 0 {
		e.buffer, e.undone = e.undone[n-1], e.undone[:n-1]
	}
}

// clear clears the screen and moves the prompt to the top.
func (e *Editor) clear() {
	e.write("\x1b[H\x1b[2J")
	e.drawn = layout{}
}

// above moves up a line, or to the previous history entry from the first line.
func (e *Editor) above() {
	if !e.up() && e.entry > 0 {
		e.show(e.entry - 1)
	}
}

func (e *Editor) below() {
	if !e.down() && e.entry < len(e.History.entries) {
		e.show(e.entry + 1)
	}
}

// show shows a history entry, or the draft.
func (e *Editor) show(entry int) {
	if e.entry == len(e.History.entries) {
		e.draft = e.text
	}
	e.remember(false)
	e.entry = entry
	if entry == len(e.History.entries) {
		e.set(e.draft)
	} else {
		e.set(e.History.entries[entry])
	}
}

// complete inserts what all candidates have in common, or lists them.
func (e *Editor) complete() {
	if e.Complete == nil {
		return
	}
	if line := e.text[e.lineStart():e.pos]; strings.TrimSpace(line) == "" && e.lineStart() > 0 {
		e.remember(false)
		e.insert(strings.Repeat(" ", tabWidth)) // indents a block
		return
	}
	list, replaces := e.Complete(e.text[:e.pos])
	if len(list) == 0 || replaces > e.pos {
		return
	}
	common := list[0].Text
	for _, one := range list[1:] {
		common = commonPrefix(common, one.Text)
	}
	if typed := e.text[e.pos-replaces : e.pos]; common != typed && strings.HasPrefix(common, typed) || len(list) == 1 {
		e.remember(false)
		e.cut(e.pos-replaces, e.pos)
		e.insert(common)
		return
	}
	rows, cols := e.tty.size()
	e.helpers = formatCandidates(list, cols, max(1, rows/2))
}

func commonPrefix(a, b string) string {
	n := 0
	for i, r := range a {
		if !strings.HasPrefix(b[i:], string(r)) {
			break
		}
		n = i + len(string(r))
	}
	return a[:n]
}
