package pty

import (
	"bytes"
	"context"
	"io"
	"time"

	"convoy/pty/screen"
)

const (
	// FromScreen is the offset for a viewer that wants the current screen instead of the output that produced it.
	FromScreen = -2
	// FromHistory is FromScreen with the whole scrollback, up to maxScreenBytes.
	FromHistory = -3
	// historyRows is the scrollback that is kept, and attachRows the part that comes with a screen, in rows.
	historyRows = 10_000
	attachRows  = 1000
	// maxScreenBytes limits a screen with its history; the oldest rows of a larger one are omitted.
	maxScreenBytes = 1 << 20
	// maxReplyBytes limits the replies that wait for the program to read.
	maxReplyBytes = 4 << 10
	// replyTimeout is how long a reply waits to be written.
	replyTimeout = 2 * time.Second
)

// newScreen returns the model of what viewers see. It replies to the program's terminal queries once, for any number of
// viewers.
func (s *Shell) newScreen(size Size) *screen.Screen {
	model := screen.New(size.Rows, size.Cols, historyRows)
	model.Replies = func(b []byte) {
		if len(s.replies)+len(b) <= maxReplyBytes {
			s.replies = append(s.replies, b...)
		}
	}
	return model
}

// show appends output to the ring and returns how much. The screen follows immediately for anything but plain text,
// because a program may have sent a query. Plain text waits until there is much of it or someone needs the screen: then
// only its end has to be drawn. It requires s.mu.
func (s *Shell) show(p []byte) (n int) {
	if screen.Plain(p) && s.screen.Settled() && s.screen.CheapText() && s.mayWait(len(p)) {
		s.ring.write(p)
		return len(p)
	}
	s.syncScreen()
	n = s.screen.WriteSome(p, turnWork)
	s.ring.write(p[:n])
	s.shown = s.ring.end
	return n
}

// mayWait reports whether n more bytes of plain text may wait to be drawn. If there is too much, it first drops from
// what waits the text that is certain to have left the history. It requires s.mu.
func (s *Shell) mayWait(n int) bool {
	limit := int64(s.ring.max)*7/8 - readBytes - int64(n)
	if s.ring.end-s.shown < limit {
		return true
	}
	if feeds := s.screen.Memory(); feeds > 0 {
		if at := s.ring.lastLines(feeds, s.shown); at > s.shown {
			s.shown = at
			s.screen.Write([]byte{'\r'}) //nolint:errcheck // never fails
		}
	}
	return s.ring.end-s.shown < limit
}

// syncScreen brings the screen up to the end of the ring. It requires s.mu.
func (s *Shell) syncScreen() {
	for part := range s.ring.parts(s.shown) {
		s.screen.Write(part)
	}
	s.shown = s.ring.end
}

// draw returns output that makes any terminal of this size show the screen, with that many rows of scrollback. It
// requires s.mu.
func (s *Shell) draw(rows int) []byte {
	s.syncScreen()
	return s.screen.SnapshotWithin(rows, maxScreenBytes)
}

// sendReplies writes pending replies in the background: a program that does not read its input must not stop its own
// output. It requires s.mu.
func (s *Shell) sendReplies() {
	if len(s.replies) == 0 || s.replying {
		return
	}
	s.replying = true
	s.replier.Go(func() {
		for b := s.takeReplies(); b != nil; b = s.takeReplies() {
			ctx, cancel := context.WithTimeout(context.Background(), replyTimeout)
			s.send(ctx, b, false, typing{}) // a reply that is never read is lost, as on any terminal
			cancel()
		}
	})
}

func (s *Shell) takeReplies() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.replies
	s.replies = nil
	s.replying = b != nil
	if s.replying {
		s.journal.SetReplied(s.shown) // before it is written: a reply may be lost, but not repeated
	}
	return b
}

// WriteText writes the kept output as lines of text, and joins rows that were wrapped at the screen's width.
func (s *Shell) WriteText(w io.Writer) error {
	s.mu.Lock()
	s.syncScreen()
	var text bytes.Buffer
	s.screen.WriteText(&text)
	s.mu.Unlock()
	_, err := text.WriteTo(w)
	return err
}

// Text returns the screen as lines of text, without attributes and trailing blanks.
func (s *Shell) Text() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncScreen()
	return s.screen.Text()
}
