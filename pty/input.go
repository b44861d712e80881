package pty

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// queueBytes is what a terminal holds for a program that does not read,
	// before anything more, ^C too, has to wait outside.
	queueBytes = 4095
	// blockedTime is how often a write that the terminal does not take looks
	// whether it should go on.
	blockedTime = 20 * time.Millisecond
	// unreadTime is how long a program may take to read what lies before a ^C.
	unreadTime = 100 * time.Millisecond
	// unreadPollTime is how often that is looked at.
	unreadPollTime = 5 * time.Millisecond
)

// Write types b. It waits while the terminal takes no more, because its program
// does not read, until ctx is done; how much was written then is in the error's
// text only. Use Input where that matters. After the end it is ErrEnded.
//
// A byte that the terminal turns into a signal, such as ^C, is never stuck
// behind input that the program does not read: as in any terminal the signal
// throws that input away, here also what still waits to be written. Writes that
// are thrown away return nil.
func (s *Shell) Write(ctx context.Context, b []byte) error {
	urgent := s.announce(b)
	n, err := s.send(ctx, b, urgent)
	if err != nil {
		return fmt.Errorf("write to shell %q (%d of %d bytes written): %w", s.id, n, len(b), err)
	}
	return nil
}

// Input types b, the viewer's input number n, counted from 0 for each viewer and
// shell. Numbers are written in their order, whatever order they come in. One
// that was written already returns nil and writes nothing. One whose predecessor
// does not come within 2 s returns a *GapError.
//
// If ctx is done while it waits for its turn nothing has been written. If ctx is
// done later, part of it may have been: then the same number with the same bytes
// goes on where this one stopped. Otherwise as Write.
func (s *Shell) Input(ctx context.Context, viewer string, n int64, b []byte) error {
	v, err := s.beginTyping(viewer)
	if err != nil {
		return s.inputError(n, err)
	}
	defer s.endTyping(v)
	if n < 0 {
		return fmt.Errorf("input %d to shell %q: %w", n, s.id, &GapError{Expected: 0})
	}
	urgent := !v.numbers.written(n) && s.announce(b)
	part, repeat, err := v.numbers.take(ctx, n, s.dead)
	if repeat || err != nil {
		s.retract(urgent)
		return s.inputError(n, err)
	}
	b = b[min(part, len(b)):]
	s.noteTyping(v)
	sent, err := s.send(ctx, b, urgent)
	v.numbers.done(sent, err == nil)
	return s.inputError(n, err)
}

func (s *Shell) inputError(n int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("input %d to shell %q: %w", n, s.id, err)
}

// beginTyping keeps the viewer from being forgotten until endTyping. One that is
// attached to watch may not type.
func (s *Shell) beginTyping(id string) (*viewer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewer(id)
	if !v.types {
		return nil, ErrWatching
	}
	v.typing++
	return v, nil
}

func (s *Shell) endTyping(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.typing--
}

// announce tells a write that is blocked in the terminal if b has a signal in
// it, which must not wait for it. If so the caller owes a retract.
func (s *Shell) announce(b []byte) (urgent bool) {
	if s.terminal == nil || s.terminal.signalAt(b) < 0 {
		return false
	}
	s.urgent.Add(1)
	return true
}

func (s *Shell) retract(urgent bool) {
	if urgent {
		s.urgent.Add(-1)
	}
}

// send writes b when it is its turn, and returns how much of it was written or
// thrown away. It retracts what was announced.
func (s *Shell) send(ctx context.Context, b []byte, urgent bool) (n int, err error) {
	s.noteDir(b)
	s.mu.Lock()
	s.inputs++
	s.active = time.Now()
	s.mu.Unlock()
	err = s.takeTurn(ctx)
	s.retract(urgent)
	if err != nil {
		return 0, err
	}
	defer func() { <-s.turn }()
	for n < len(b) && err == nil {
		var sent int
		sent, err = s.sendSome(ctx, b[n:])
		n += sent
	}
	return n, err
}

// takeTurn waits until nobody else writes.
func (s *Shell) takeTurn(ctx context.Context) error {
	select {
	case <-s.dead: // also when there is no terminal
		return ErrEnded
	default:
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.dead:
		return ErrEnded
	}
}

// sendSome writes what lies before the next signal in b, or else the signal.
func (s *Shell) sendSome(ctx context.Context, b []byte) (n int, err error) {
	signal := s.terminal.signalAt(b)
	if signal < 0 {
		return s.sendPlain(ctx, b, false)
	}
	if signal > 0 {
		return s.sendPlain(ctx, b[:signal], true)
	}
	if s.typed >= queueBytes && !s.unreadGone(ctx) {
		s.terminal.flushInput()
	}
	n, err = s.sendPlain(ctx, b[:1], false)
	s.typed = 0
	if n > 0 {
		s.unreadGone(ctx) // once the terminal has taken the signal, nothing is left to read
		s.terminal.wakeWriters()
	}
	return n, err
}

// sendPlain writes b as the terminal takes it. When the terminal is full and a
// signal comes next (signalNext, or somebody has announced one), the rest of b
// is thrown away: the signal would do that.
func (s *Shell) sendPlain(ctx context.Context, b []byte, signalNext bool) (n int, err error) {
	ptmx := s.terminal.ptmx
	for n < len(b) {
		select {
		case <-ctx.Done():
			return n, ctx.Err()
		case <-s.dead:
			return n, ErrEnded
		default:
		}
		ptmx.SetWriteDeadline(time.Now().Add(blockedTime))
		sent, err := ptmx.Write(b[n:])
		n += sent
		s.typed += sent
		switch {
		case errors.Is(err, os.ErrClosed):
			return n, ErrEnded
		case !errors.Is(err, os.ErrDeadlineExceeded) && err != nil:
			return n, err
		case err != nil && (signalNext || s.urgent.Load() > 0):
			return len(b), nil
		}
	}
	return n, nil
}

// unreadGone waits a moment for the program to read what was typed before.
func (s *Shell) unreadGone(ctx context.Context) bool {
	tick := time.NewTicker(unreadPollTime)
	defer tick.Stop()
	for end := time.Now().Add(unreadTime); time.Now().Before(end); {
		if !s.terminal.unread() {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return false
}
