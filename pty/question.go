package pty

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// reads is whether the program in the foreground reads from its terminal now.
type reads int

const (
	readsUnknown reads = iota
	readsNot
	readsYes
)

var (
	// answerLine is a line that names the answers: Continue? [y/N], (yes/no), Press any key.
	answerLine = regexp.MustCompile(
		`(?i)[\[(<]([yn]|yes|no)/[^()]*[\])>][?:]?\s*$|\b(y/n|yes/no)[?:]?\s*$|\b(press|hit)\b.*\b(key|enter|return)\b`)
	// colonLine ends as questions do, and as reports of what is being done: Password:, Compiling:
	colonLine = regexp.MustCompile(`[?:]\s*$`)
	// promptLine ends as the prompts of shells do, at which nothing is asked.
	promptLine = regexp.MustCompile(`[$#%>❯»]\s*$`)
	// menuLine is the line of a menu that asks: Pick one:, ? Pick one (Use arrow keys), Pick one? › Press Enter
	menuLine = regexp.MustCompile(`^\s*[?◆] \S|[?:]\s*$|[?:]\s+[›»(]`)
)

// menuLines is how many rows of a menu are searched for the one that asks.
const menuLines = 40

// multiplexers are programs that show the terminals of others, and a cursor where the one that has the keys has it.
var multiplexers = []string{"tmux: client", "screen", "zellij"}

// menu is what a program shows that hides the cursor and reads keys, such as a list to choose from.
type menu struct {
	drawn time.Time // zero: there is none
	size  Size      // of the terminal
}

// updateQuestion works out what is asked, once the output rests. It requires s.mu.
func (s *Shell) updateQuestion(program string, runs bool, now time.Time) {
	a := &s.activity
	s.syncScreen()
	row, _, visible := s.screen.Cursor()
	moved := a.full && row != a.row // a text on another row is asked again
	before, last := a.question, a.menu
	a.rested, a.row, a.question, a.menu = a.printed, row, "", menu{}
	if visible || a.full {
		a.question, a.doubtful = s.question(program, runs)
	} else {
		a.menu, a.doubtful = s.findMenu(last, runs, now)
	}
	asks := a.question != "" || a.menu != menu{}
	switch {
	case !asks:
		a.found = time.Time{}
	// what is only drawn again is not asked again
	case !a.found.After(a.typed) || a.question != before || moved || !a.full && a.menu == menu{}:
		a.found = a.printed
	}
}

// findMenu finds a menu. It is doubtful until it has rested for a while. A program that draws again without a key, or
// another size, draws on its own, and has none. It requires s.mu.
func (s *Shell) findMenu(last menu, runs bool, now time.Time) (found menu, doubtful bool) {
	a := &s.activity
	size := s.sizes[len(s.sizes)-1].size
	if last.drawn.After(a.typed) && last.drawn != a.printed && last.size == size {
		a.redraws = a.printed
	}
	if !runs || s.terminal == nil || a.redraws.After(a.typed) {
		return menu{}, false
	}
	mode, err := s.terminal.mode()
	if err != nil || mode.Lflag&(unix.ICANON|unix.ECHO) != 0 || readsInput(s.pid, s.terminal.foreground()) == readsNot {
		return menu{}, false
	}
	if now.Sub(a.printed) < menuPause {
		return menu{}, true
	}
	rows := s.screen.Text()
	for i := len(rows) - 1; i >= max(0, len(rows)-menuLines); i-- {
		if menuLine.MatchString(rows[i]) {
			a.question = trimTitle(strings.TrimSpace(rows[i]))
			break
		}
	}
	return menu{a.printed, size}, false
}

// question is the line before the cursor if it is a question, without what is not visible; else "". It is doubtful if
// it would be one, but nothing reads the answer. Without a command, the shell itself may ask, as by read in bash: then
// it does not edit the line, as at its prompt. On the alternate screen, only a line of a multiplexer that names the
// answers is one. It requires s.mu.
func (s *Shell) question(program string, runs bool) (line string, doubtful bool) {
	line = s.screen.BeforeCursor()
	if s.activity.full {
		panes := strings.Split(line, "│")
		line = strings.TrimSpace(panes[len(panes)-1]) // of the one with the cursor
		if !slices.Contains(multiplexers, program) || !answerLine.MatchString(line) {
			return "", false
		}
		return trimTitle(line), false
	}
	if line == "" || s.terminal == nil {
		return "", false
	}
	mode, err := s.terminal.mode()
	plain := err == nil && mode.Lflag&unix.ICANON != 0
	switch {
	case plain && s.activity.drafts && s.activity.printed.Sub(s.activity.typed) < bellPause:
		return "", false // the line has what someone is typing
	case !runs && (!plain || !colonLine.MatchString(line) && !answerLine.MatchString(line)):
		return "", false
	case answerLine.MatchString(line):
	case !plain:
		if !colonLine.MatchString(line) {
			return "", false
		}
	default:
		return s.plainQuestion(line)
	}
	return trimTitle(line), false
}

// plainQuestion is question for a program that reads lines: what it does tells a question from a
// report of what is being done.
func (s *Shell) plainQuestion(line string) (question string, doubtful bool) {
	group := s.terminal.foreground()
	switch colon := colonLine.MatchString(line); readsInput(s.pid, group) {
	case readsYes:
		if colon || !promptLine.MatchString(line) {
			return trimTitle(line), false
		}
	case readsNot:
		return "", colon
	case readsUnknown:
		if colon {
			return trimTitle(line), false
		}
	}
	return "", false
}
