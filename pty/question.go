package pty

import (
	"regexp"

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
)

// question is the line before the cursor if it is a question, without what is not visible; else "". It is doubtful if
// it would be one, but nothing reads the answer. Without a command, the shell itself may ask, as by read in bash: then
// it does not edit the line, as at its prompt. It requires s.mu.
func (s *Shell) question(runs bool) (line string, doubtful bool) {
	s.syncScreen()
	line = s.screen.BeforeCursor()
	if line == "" || s.screen.Modes().Alternate || s.terminal == nil {
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
