package pty

import (
	"sync"
	"time"

	"convoy/pty/journal"
)

// Leave is the opposite of Close: it leaves the running shells to the next process, which adopts them. It stops
// reading, flushes recordings, and returns when all goroutines have ended; meanwhile programs at most wait for their
// terminals. Nothing can be opened or typed from then on: ErrClosed, ErrLeft. A shell without a Keeper is lost: its
// terminal is closed.
func (t *Table) Leave() {
	var leaving sync.WaitGroup
	for _, s := range t.shut() {
		leaving.Go(s.leaveToNext)
	}
	leaving.Wait()
	t.recorders.Wait()
}

// leaveToNext leaves a shell to the next process, unless it is ending.
func (s *Shell) leaveToNext() {
	if !s.beginLeave() {
		s.keeping.Lock()
		defer s.keeping.Unlock()
		s.journal.Close()
		return
	}
	close(s.hurry)
	s.terminal.ptmx.SetReadDeadline(time.Unix(0, 1)) // wakes the reader
	s.goroutines.Wait()
	s.replier.Wait()
	s.turn <- struct{}{} // nothing is written from now on
	s.saveForNext()
	s.attachment.Close()
	s.keeping.Lock()
	defer s.keeping.Unlock()
	s.journal.Close()
	s.terminal.close()
}

// beginLeave returns false if the shell has ended, which it waits for if it has begun, or is left already.
func (s *Shell) beginLeave() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		s.mu.Unlock()
		<-s.ended
		s.mu.Lock()
	}
	if s.exit != nil || s.left {
		return false
	}
	s.stopTimers()
	s.left = true
	s.leave()
	return true
}

// saveForNext saves the whole screen, stops the recorder, and keeps changes that are not kept yet.
func (s *Shell) saveForNext() {
	s.mu.Lock()
	if s.journal != nil {
		s.syncScreen()
		if s.ring.end == s.journal.End() { // else the next process draws the rest
			s.saveScreen(journal.Whole)
		}
	}
	r := s.recording
	s.mu.Unlock()
	if r != nil {
		r.stop(ErrLeft)
		<-r.done
	}
	s.keepData(true)
}
