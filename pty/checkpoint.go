package pty

import (
	"net/url"
	"time"

	"convoy/pty/journal"
)

const (
	// checkpointWork limits the drawing work, see screen.Screen.Work, and checkpointMarks the sizes, that a new process
	// has to repeat after the newest checkpoint.
	checkpointWork  = 1 << 28
	checkpointMarks = journal.MaxMarks / 2
	// wholePause is the minimum time between two checkpoints with the scrollback, and 1/wholeShare their share of the
	// time.
	wholePause = 2 * time.Second
	wholeShare = 100
	// maxSavedBytes limits a screen with its scrollback in a checkpoint; the oldest rows of a larger one are omitted. A
	// screen alone may take twice as much.
	maxSavedBytes = journal.MaxCheckpoint/2 - 16<<10 // the rest is for directory and prompt
)

// saved describes a shell's checkpoints.
type saved struct {
	off     int64 // of the newest
	work    int   // the screen's work then
	marks   uint64
	wholeAt time.Time   // from when on another one with the scrollback may be made
	timer   *time.Timer // makes it; nil: not needed
	failed  bool        // one could not be made, and the log has it
}

// checkpoint saves the screen in the journal when much has changed since the last time: so the journal's ring always
// contains what follows the newest checkpoints, with the text that waits to be drawn. In a flood most checkpoints lack
// the scrollback. It requires s.mu.
func (s *Shell) checkpoint() {
	if s.journal == nil || s.left {
		return
	}
	moved, limit := s.shown-s.saved.off, s.journal.Keep()
	busy := len(s.replies) > 0 || s.replying // soon no query will be unanswered
	if moved < limit*3/4 && s.screen.Work()-s.saved.work < checkpointWork &&
		s.journal.Marks()-s.saved.marks < checkpointMarks || busy && moved < limit {
		return
	}
	wait := time.Until(s.saved.wholeAt)
	if wait <= 0 {
		s.saveScreen(journal.Whole)
		return
	}
	s.saveScreen(journal.Brief)
	if s.saved.timer == nil {
		s.saved.timer = time.AfterFunc(wait, s.saveWhole)
	}
}

// saveWhole saves the screen with its scrollback after a flood.
func (s *Shell) saveWhole() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exit == nil && !s.left {
		s.syncScreen()
		s.saveScreen(journal.Whole)
	}
}

// saveScreen saves the screen as of s.shown. It requires s.mu.
func (s *Shell) saveScreen(kind journal.Kind) {
	began := time.Now()
	size := s.sizes.last()
	c := journal.Checkpoint{Kind: kind, Off: s.shown, Rows: size.Rows, Cols: size.Cols, Marks: s.journal.Marks()}
	if dir := s.screen.Dir(); dir != "" {
		c.Bytes = []byte("\x1b]7;" + (&url.URL{Scheme: "file", Path: dir}).String() + "\a")
	}
	c.Bytes = append(c.Bytes, s.screen.Prompt().Marks()...)
	rows := 0
	if kind == journal.Whole {
		rows = historyRows
	}
	c.Bytes = append(c.Bytes, s.screen.SnapshotWithin(rows, maxSavedBytes)...)
	s.saved.off, s.saved.work, s.saved.marks = c.Off, s.screen.Work(), c.Marks
	if err := s.journal.Checkpoint(c); err != nil && !s.saved.failed {
		s.saved.failed = true
		s.log.Warn("screen not saved", "err", err)
	}
	if kind == journal.Brief {
		return
	}
	now := time.Now()
	s.saved.wholeAt = now.Add(max(wholePause, wholeShare*now.Sub(began)))
	if s.saved.timer != nil {
		s.saved.timer.Stop()
		s.saved.timer = nil
	}
}
