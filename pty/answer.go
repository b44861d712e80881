package pty

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// answers are the keys of Answer, and what they type.
var answers = map[string]string{"y": "y", "n": "n", "enter": "\r", "ctrl-c": "\x03"}

// Answer types a key, y, n, enter or ctrl-c, if the shell still waits as it did since then (State.Since), and of
// concurrent callers only the first. A program that reads lines gets y and n with Enter. Otherwise it returns
// ErrNotWaiting, or ErrNoAnswer for another key. Like Write, it blocks while the program does not read.
func (s *Shell) Answer(ctx context.Context, key string, since time.Time) error {
	text, ok := answers[key]
	if !ok {
		return fmt.Errorf("answer %q: %w", key, ErrNoAnswer)
	}
	if !s.takeQuestion(since) {
		return fmt.Errorf("answer shell %q: %w", s.id, ErrNotWaiting)
	}
	if len(key) == 1 && s.terminal.readsLines() {
		text += "\r"
	}
	return s.Write(ctx, []byte(text))
}

// takeQuestion reports whether the shell waits since then, and nobody has typed: of concurrent callers, for one.
func (s *Shell) takeQuestion(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.state()
	a := &s.activity
	current := a.rested.Equal(a.printed) // else the next question may have been printed already
	if now.Doing != Waiting || !now.Since.Equal(since) || !current || a.typed.After(since) {
		return false
	}
	a.typed = time.Now()
	return true
}

// readsLines reports whether the terminal gives its program whole lines (ICANON).
func (t *terminal) readsLines() (lines bool) {
	control(t.tty, func(fd int) error {
		mode, err := unix.IoctlGetTermios(fd, ioctlGetTermios)
		lines = err == nil && mode.Lflag&unix.ICANON != 0
		return err
	})
	return lines
}
