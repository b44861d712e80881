package pty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"convoy/pty/journal"
)

const (
	// queueBytes is what a terminal buffers for a program that does not read. Beyond that, everything waits, even ^C.
	queueBytes = 4095
	// blockedTime is how often a blocked write checks whether to continue.
	blockedTime = 20 * time.Millisecond
	// unreadTime is how long a program may take to read the input before a ^C.
	unreadTime = 100 * time.Millisecond
	// unreadPollTime is how often that is checked.
	unreadPollTime = 5 * time.Millisecond
)

// Write writes b to the terminal. It blocks while the terminal is full because its program does not read, until ctx
// ends; only the error's text says how much was written. Use Input if that matters. It returns ErrEnded once
// the shell has ended.
//
// A byte that the terminal turns into a signal, such as ^C, is never blocked by unread input: as in any terminal, the
// signal discards that input, here including blocked writes, which return nil.
func (s *Shell) Write(ctx context.Context, b []byte) error {
	urgent := s.expectSignal(b)
	s.observeKeys(b)
	n, err := s.send(ctx, b, urgent, typing{})
	if err != nil {
		return fmt.Errorf("write to shell %q (%d of %d bytes written): %w", s.id, n, len(b), err)
	}
	return nil
}

// Input writes b, the viewer's input number n, counted from 0 for each viewer and shell. Inputs are written in the
// order of their numbers. A repeated number returns nil and writes nothing. If a predecessor does not arrive within 2
// s, Input returns a *GapError.
//
// If ctx ends before its turn, nothing has been written. If ctx ends later, part may have been: repeating the number
// with the same bytes continues where this one stopped. Otherwise Input is like Write.
func (s *Shell) Input(ctx context.Context, viewer string, n int64, b []byte) error {
	v, err := s.beginTyping(viewer)
	if err != nil {
		return s.inputError(n, err)
	}
	defer s.endTyping(v)
	if n < 0 {
		return fmt.Errorf("input %d to shell %q: %w", n, s.id, &GapError{Expected: 0})
	}
	urgent := !v.sequence.written(n) && s.expectSignal(b)
	part, repeat, err := v.sequence.acquire(ctx, n, s.dead)
	if repeat || err != nil {
		s.retract(urgent)
		return s.inputError(n, err)
	}
	b = b[min(part, len(b)):]
	s.recordTyping(v)
	s.observeKeys(b)
	sent, err := s.send(ctx, b, urgent, typing{slot: v.slot, number: n, part: part})
	if err == nil {
		v.slot.Done(n)
	} else {
		v.slot.Wrote(part + sent)
	}
	v.sequence.release(sent, err == nil)
	return s.inputError(n, err)
}

func (s *Shell) inputError(n int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("input %d to shell %q: %w", n, s.id, err)
}

// beginTyping keeps the viewer until endTyping. A view-only viewer may not type.
func (s *Shell) beginTyping(id string) (*viewer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewer(id)
	if !v.canType {
		return nil, ErrViewOnly
	}
	v.inFlight++
	return v, nil
}

func (s *Shell) endTyping(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.inFlight--
}

// expectSignal tells a blocked write if b contains a signal, which must not wait for it. If it returns true, call
// retract.
func (s *Shell) expectSignal(b []byte) (urgent bool) {
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

// typing is a viewer's input that is being written: the number, and how much of it is written. The journal follows it
// so closely that only one write(2) can be in doubt after a crash. The zero value is input without a number.
type typing struct {
	slot   *journal.Slot
	number int64
	part   int
}

func (y *typing) begin() { y.slot.Begin(y.number) }

func (y *typing) wrote(n int) {
	y.part += n
	y.slot.Wrote(y.part)
}

// send writes b at its turn, and returns how much of it was written or discarded. It retracts an expected signal.
func (s *Shell) send(ctx context.Context, b []byte, urgent bool, y typing) (n int, err error) {
	s.saveDir(b)
	s.mu.Lock()
	s.inputs++
	s.active = time.Now()
	s.journal.SetActive(s.active)
	s.mu.Unlock()
	err = s.takeTurn(ctx)
	s.retract(urgent)
	if err != nil {
		return 0, err
	}
	defer func() { <-s.turn }()
	for part := y.part; n < len(b) && err == nil; {
		y.part = part + n // also what was discarded
		s.typing = y
		var sent int
		sent, err = s.sendSome(ctx, b[n:])
		n += sent
	}
	return n, err
}

// takeTurn waits for other writes to end.
func (s *Shell) takeTurn(ctx context.Context) error {
	if err := s.gone(); err != nil { // also without a terminal
		return err
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.dead:
		return ErrEnded
	case <-s.stay.Done():
		return s.gone()
	}
}

// sendSome writes what precedes the next signal in b, or else the signal.
func (s *Shell) sendSome(ctx context.Context, b []byte) (n int, err error) {
	signal := s.terminal.signalAt(b)
	if signal < 0 {
		return s.sendPlain(ctx, b, false)
	}
	if signal > 0 {
		return s.sendPlain(ctx, b[:signal], true)
	}
	if s.unread >= queueBytes && !s.awaitRead(ctx) {
		s.terminal.flushInput()
	}
	n, err = s.sendPlain(ctx, b[:1], false)
	s.unread = 0
	if n > 0 {
		s.awaitRead(ctx) // once the terminal has taken the signal, nothing is left to read
		s.terminal.wakeWriters()
	}
	return n, err
}

// sendPlain writes b. If the terminal is full and a signal follows (signalNext, or an expected one), the rest of b is
// discarded, as the signal would do.
func (s *Shell) sendPlain(ctx context.Context, b []byte, signalNext bool) (n int, err error) {
	for n < len(b) {
		if err := cmp.Or(s.gone(), ctx.Err()); err != nil {
			return n, err
		}
		s.terminal.ptmx.SetWriteDeadline(time.Now().Add(blockedTime))
		sent, err := s.terminal.write(b[n:], &s.typing)
		n += sent
		s.unread += sent
		switch {
		case err != nil && s.gone() != nil:
			return n, s.gone()
		case !errors.Is(err, os.ErrDeadlineExceeded) && err != nil:
			return n, err
		case err != nil && (signalNext || s.urgent.Load() > 0):
			return len(b), nil
		}
	}
	return n, nil
}

// gone is the reason why nothing can be written: ErrEnded, ErrLeft, or nil.
func (s *Shell) gone() error {
	select {
	case <-s.dead:
		return ErrEnded
	default:
	}
	if s.stay.Err() != nil {
		return ErrLeft
	}
	return nil
}

// awaitRead waits briefly for the program to read its input.
func (s *Shell) awaitRead(ctx context.Context) bool {
	tick := time.NewTicker(unreadPollTime)
	defer tick.Stop()
	for end := time.Now().Add(s.unreadTime); time.Now().Before(end); {
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
