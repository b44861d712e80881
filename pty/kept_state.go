package pty

import "time"

// keptActivity is what the next process of the node continues of an activity. The progress of a command is not: the
// program reports it again.
type keptActivity struct {
	State State

	Printed, Asked, Found, Typed, Began, Ended time.Time

	Rests                   bool // its output was at rest
	Full, Marks             bool
	Note, Question, Program string
	Row, Exit               int
	Took                    time.Duration
}

// kept is nil until there is a state. It requires s.mu.
func (a *activity) kept() *keptActivity {
	if a.state.Doing == "" {
		return nil
	}
	k := &keptActivity{
		State: a.state, Printed: a.printed, Rests: a.rested == a.printed,
		Asked: a.asked, Found: a.found, Typed: a.typed, Began: a.began, Ended: a.ended,
		Note: a.note, Question: a.question, Program: a.program, Exit: a.exit, Took: a.took,
		Row: a.row, Full: a.full, Marks: a.marks,
	}
	k.State.Progress.State, k.State.Progress.Percent = 0, 0
	return k
}

// restoreActivity continues the activity of an earlier process; k may be nil. What happened after it was kept counts as
// typing, so that nobody is called for a question that has been answered. Signals in restored output are old.
func (s *Shell) restoreActivity(k *keptActivity) {
	a := &s.activity
	a.printed, a.signalled, a.signals = s.active, s.screen.Signalled(), s.screen.Signals()
	if k == nil {
		return
	}
	a.state, a.printed = k.State, k.Printed
	if k.Rests {
		a.rested = a.printed
	}
	a.asked, a.found, a.typed, a.began, a.ended = k.Asked, k.Found, k.Typed, k.Began, k.Ended
	a.note, a.question, a.program, a.exit, a.took = k.Note, k.Question, k.Program, k.Exit, k.Took
	a.row, a.full, a.marks = k.Row, k.Full, k.Marks
	if s.active.After(k.Printed) {
		a.typed = s.active
		if a.state.Doing == Waiting { // until the first look
			a.state = State{Doing: Running, Since: a.began, Command: a.state.Command}
		}
	}
}
