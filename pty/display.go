package pty

import (
	"bytes"
	"context"
	"io"
	"time"

	"convoy/pty/screen"
)

const (
	// FromScreen is the offset of a viewer that asks for the screen as it is now
	// in place of the output that made it.
	FromScreen = -2
	// FromHistory asks for the screen with all rows that are kept of what has scrolled
	// away, as far as a screen may be large.
	FromHistory = -3
	// keptRows is how many rows that have scrolled away are kept, and comingRows how
	// many of them come with a screen.
	keptRows   = 10_000
	comingRows = 1000
	// maxScreenBytes bounds a screen with its history; of a larger one the oldest rows
	// stay behind.
	maxScreenBytes = 1 << 20
	// maxAnswerBytes bounds the answers that wait for the program to read.
	maxAnswerBytes = 4 << 10
	// answerTime is how long an answer waits for its turn.
	answerTime = 2 * time.Second
)

// newScreen makes the model of what a viewer of this shell sees. It answers what
// the program asks its terminal: once, whoever looks, also if nobody does.
func (s *Shell) newScreen(size Size) *screen.Screen {
	model := screen.New(size.Rows, size.Cols, keptRows)
	model.Replies = func(b []byte) {
		if len(s.answers)+len(b) <= maxAnswerBytes {
			s.answers = append(s.answers, b...)
		}
	}
	return model
}

// show puts output into the ring, and returns how much of it. The screen follows at
// once what is more than plain text, since a program may have asked something, piece
// by piece. Plain text waits until there is much of it, or somebody looks: then only
// its end has to be drawn. The shell is locked.
func (s *Shell) show(p []byte) (n int) {
	waiting := s.ring.end + int64(len(p)) - s.shown
	if screen.Plain(p) && s.screen.Settled() && s.screen.Swift() && waiting < int64(s.ring.max)*7/8-readBytes {
		s.ring.write(p)
		return len(p)
	}
	s.catchUp()
	n = s.screen.WriteSome(p, turnWork)
	s.ring.write(p[:n])
	s.shown = s.ring.end
	return n
}

// catchUp brings the screen to where the ring is. The shell is locked.
func (s *Shell) catchUp() {
	for _, part := range s.ring.parts(s.shown) {
		s.screen.Write(part)
	}
	s.shown = s.ring.end
}

// draw is a byte string that makes any terminal of this size show the screen, with
// so many rows of what has scrolled away. The shell is locked.
func (s *Shell) draw(rows int) []byte {
	s.catchUp()
	return s.screen.SnapshotWithin(rows, maxScreenBytes)
}

// answer types the answers that wait. The reader calls it and goes on: a program
// that does not read its input must not stop its own output. The shell is locked.
func (s *Shell) answer() {
	if len(s.answers) == 0 || s.answering {
		return
	}
	s.answering = true
	s.answerer.Go(func() {
		for b := s.takeAnswers(); b != nil; b = s.takeAnswers() {
			ctx, cancel := context.WithTimeout(context.Background(), answerTime)
			s.send(ctx, b, false) // one that nobody reads is lost, as on any terminal
			cancel()
		}
	})
}

func (s *Shell) takeAnswers() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.answers
	s.answers = nil
	s.answering = b != nil
	return b
}

// WriteText writes everything that is kept of what the shell has shown as lines of
// text: rows that were wrapped because the screen is narrow are one line again.
func (s *Shell) WriteText(w io.Writer) error {
	s.mu.Lock()
	s.catchUp()
	var text bytes.Buffer
	s.screen.WriteText(&text)
	s.mu.Unlock()
	_, err := text.WriteTo(w)
	return err
}

// Text is the screen as lines of text, without attributes and trailing blanks.
func (s *Shell) Text() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	return s.screen.Text()
}
