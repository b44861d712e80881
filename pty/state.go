package pty

import (
	"time"

	"convoy/pty/screen"
)

const (
	// lookPause is how long a shell's output rests before its state is worked out, and how often while it does not rest.
	lookPause = 500 * time.Millisecond
	// bellPause is how long after a key a bell is only the answer to it, as when there is nothing to complete.
	bellPause = 300 * time.Millisecond
	// briefCommand is how long a command that did not fail takes at least to count as finished.
	briefCommand = 2 * time.Second
	// menuPause is how long what looks like a menu rests before it counts as one: longer than the pauses of most programs
	// that redraw a table, such as top.
	menuPause = 3500 * time.Millisecond
	// longestDoubt is the longest time between two looks at a line that may become a question, or at a shell that reads
	// nothing and may begin a program.
	longestDoubt = time.Minute
)

// Doing is what a shell does.
type Doing string

// What a shell does. Quiet is none of the others: it is at its prompt, and its last command was short or was seen.
const (
	Quiet    Doing = "quiet"
	Running  Doing = "running"  // a command runs
	Waiting  Doing = "waiting"  // it asked something, or rang, and printed nothing since
	Finished Doing = "finished" // a command ended, and nobody has typed since; or the shell has ended
)

// State is what a shell does, for people who do not watch it. It is worked out from what the shell prints (OSC 133, the
// bell, OSC 9, 99 and 777), from the program in the foreground, and from the line before the cursor. It is at most a
// second old. On Linux, a program that begins in silence, while the shell reads nothing, is found before the silence
// has doubled, and within a minute.
type State struct {
	Doing    Doing
	Since    time.Time       // zero while it is quiet
	Command  string          // the program that runs, or waits
	Asks     string          // while it waits: the notification, or the line before the cursor; "": it rang
	Progress screen.Progress // of the command that runs
	Exit     int             // of the command that has finished; -1: unknown, or a signal
	Took     time.Duration   // of the command that has finished; 0: unknown
}

// activity is what State is worked out from.
type activity struct {
	timer     *time.Timer // of the next look; nil: none is due
	signalled int
	signals   screen.Signals
	printed   time.Time // the last output
	rested    time.Time // printed, as of the last look that found the output at rest
	typed     time.Time // the last key of anyone
	asked     time.Time // the last notification, or bell that no key caused
	note      string    // of the notification
	question  string    // the line before the cursor when the output came to rest, if it is one; or that of a menu
	again     bool      // another look is due after the one that may have begun
	doubtful  bool      // the next look may find more, without output: nothing reads an answer, or a command, yet
	menu      menu      // when the output came to rest
	row       int       // the cursor's, when the output came to rest
	found     time.Time // the output with which the question or the menu came; zero: there is none
	redraws   time.Time // when a program drew on its own what looked like a menu
	full      bool      // on the alternate screen, as of the last look
	drafts    bool      // the last key left a line without its Enter
	marks     bool      // the shell reports its own prompts (OSC 133), not only a program that it runs
	program   string    // in the foreground, as of the last look
	began     time.Time // the command that runs; zero: none
	ended     time.Time // the last command
	exit      int
	took      time.Duration
	state     State
}

// observeOutput records output at s.active, and what it reported. It requires s.mu.
func (s *Shell) observeOutput() {
	a := &s.activity
	a.printed = s.active
	if a.doubtful {
		a.doubtful = false
		if a.timer.Stop() { // else it is about to look
			a.timer = nil
		}
	}
	if a.timer == nil {
		a.timer = time.AfterFunc(lookPause, s.look)
	}
	if n := s.screen.Signalled(); n != a.signalled {
		a.signalled = n
		a.take(s.screen.Signals(), s.screen.Prompt(), s.active)
		a.marks = a.marks || s.marksItself()
	}
}

// take records what was reported since the last time.
func (a *activity) take(now screen.Signals, prompt screen.Prompt, at time.Time) {
	last := a.signals
	a.signals = now
	if now.Ends != last.Ends && (!a.began.IsZero() || now.Starts != last.Starts) {
		a.end(at, prompt.Exit)
	}
	if now.Starts != last.Starts && prompt.State == screen.PromptRunning {
		a.began = at
	}
	switch {
	case now.Notes != last.Notes:
		a.asked, a.note = at, now.Note
	case now.Bells != last.Bells && at.Sub(a.typed) > bellPause:
		a.asked, a.note = at, ""
	}
}

func (a *activity) end(at time.Time, exit int) {
	a.ended, a.exit, a.took = at, exit, 0
	if !a.began.IsZero() {
		a.took = at.Sub(a.began)
	}
	a.began = time.Time{}
}

// observeKeys records that someone types, which ends the waiting. What a terminal reports on its own is no key.
func (s *Shell) observeKeys(b []byte) {
	if len(b) == 0 || string(b) == "\x1b[I" || string(b) == "\x1b[O" { // its page got the focus, or lost it
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.activity
	a.typed = time.Now()
	a.drafts = b[len(b)-1] >= ' ' && b[len(b)-1] != 0x7f
	ends := a.state.Doing == Waiting || a.state.Doing == Finished
	if ends && (a.timer == nil || a.doubtful && a.timer.Stop()) {
		a.timer = time.AfterFunc(0, s.look)
	}
}

// look works out the state. It runs while there is output, once when it has come to rest, and again while in doubt.
func (s *Shell) look() {
	now := time.Now() // before it looks: later output is due another look
	program, known := s.foreground()
	s.mu.Lock()
	if s.exit != nil || s.left {
		s.mu.Unlock()
		return
	}
	a := &s.activity
	a.timer = nil
	changed := known && s.updateState(program, now)
	a.doubtful = a.doubtful && known
	if a.again && (a.timer == nil || a.doubtful && a.timer.Stop()) {
		a.timer = time.AfterFunc(lookPause, s.look)
	}
	a.again = false
	s.mu.Unlock()
	if changed {
		s.onChange()
	}
}

// updateState reports whether the state has changed. The program was in the foreground at some time after now. It
// requires s.mu.
func (s *Shell) updateState(program string, now time.Time) bool {
	a := &s.activity
	runs := s.runs(program, now)
	a.setFull(s.screen.Modes().Alternate) // what is not drawn yet is plain text, which does not change it
	if rest := lookPause - now.Sub(a.printed); rest > 0 {
		a.timer = time.AfterFunc(rest, s.look)
	} else if a.rested != a.printed || a.doubtful {
		s.updateQuestion(program, runs, now)
		a.doubtful = a.doubtful || program == "" && !runs && s.worksSilently()
		if a.doubtful {
			a.timer = time.AfterFunc(min(now.Sub(a.printed), longestDoubt), s.look)
		}
	}
	before := a.state
	a.state = a.stateOf(runs)
	if a.state.Doing != Quiet && a.state.Doing != Finished {
		a.state.Command, a.state.Progress = program, s.screen.Signals().Progress
		if program == "" {
			a.state.Command = s.program.name()
		}
	}
	return a.state != before
}

// worksSilently reports whether the shell is known to be somewhere else than at its prompt: what it runs itself, such
// as a loop, may begin a program without output. It requires s.mu.
func (s *Shell) worksSilently() bool {
	return s.terminal != nil && readsInput(s.pid, s.terminal.foreground()) == readsNot
}

// setFull records whether the alternate screen is shown. A program that enters it does not wait for what came before: a
// question is on the other screen, and output has ended the waiting for an earlier call.
func (a *activity) setFull(full bool) {
	if full && !a.full {
		a.found = time.Time{}
		if a.printed.Sub(a.asked) >= lookPause {
			a.asked = time.Time{}
		}
	}
	a.full = full
}

// marksItself reports whether the shell, and no program that it runs, has just marked a prompt or a command (OSC 133).
// It requires s.mu.
func (s *Shell) marksItself() bool {
	if s.screen.Prompt().State == screen.PromptUnknown || s.activity.program != "" || s.terminal == nil {
		return false
	}
	return s.terminal.foreground() == s.pid
}

// runs reports whether a command runs: by the shell's marks, or else by the program in the foreground. Marks of a
// program, such as another shell or one at the end of a connection, count until that ends. It requires s.mu.
func (s *Shell) runs(program string, now time.Time) bool {
	mark := s.screen.Prompt().State
	if mark == screen.PromptUnknown || !s.activity.marks {
		s.followProgram(program, now)
	}
	if mark == screen.PromptUnknown || program == "" && !s.activity.marks {
		return program != ""
	}
	return mark == screen.PromptRunning
}

// followProgram records when commands begin and end, of a shell that does not report it. It requires s.mu.
func (s *Shell) followProgram(program string, now time.Time) {
	a := &s.activity
	switch {
	case program != "" && a.program == "":
		a.began = now
		if !a.typed.IsZero() {
			a.began = a.typed
		}
	case program == "" && a.program != "":
		at := a.printed
		if at.Before(a.typed) { // a key may have ended it, and what it printed last is not read yet
			at = now
		}
		a.end(at, -1)
	}
	if program == "" { // it may have ended before it was seen
		s.screen.ClearProgress()
	}
	a.program = program
}

// stateOf is the state without its command.
func (a *activity) stateOf(runs bool) State {
	rests := a.rested == a.printed
	// a full-screen program that called also draws a clock, or other panes
	called := a.asked.After(a.typed) && (a.full || rests && a.printed.Sub(a.asked) < lookPause)
	asks := (a.full || rests) && a.found.After(a.typed)
	later := a.full && asks && a.found.After(a.asked) // an answer to the call must not answer that
	switch {
	case called && !later:
		return State{Doing: Waiting, Since: a.asked, Asks: a.note}
	case asks:
		return State{Doing: Waiting, Since: a.found, Asks: a.question}
	case runs:
		return State{Doing: Running, Since: a.began}
	case a.ended.After(a.typed) && (a.exit > 0 || a.took >= briefCommand):
		return State{Doing: Finished, Since: a.ended, Exit: a.exit, Took: a.took}
	}
	return State{Doing: Quiet}
}

// lookSoon makes the next look due, after what runs has changed without output.
func (s *Shell) lookSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exit != nil || s.left {
		return
	}
	a := &s.activity
	if a.doubtful && a.timer.Stop() {
		a.timer = nil
	}
	if a.again = a.timer != nil; !a.again { // else a look may have begun, and seen what was before
		a.timer = time.AfterFunc(lookPause, s.look)
	}
}

// foreground is the program that runs in front of the shell's own; "": none.
func (s *Shell) foreground() (program string, known bool) {
	if s.terminal == nil {
		return "", true
	}
	if group := s.terminal.foreground(); group > 0 && group != s.pid {
		return processName(group), true
	}
	if s.attachment.Busy != nil {
		return s.attachment.Busy()
	}
	return "", true
}

// State returns what the shell does.
func (s *Shell) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state()
}

// Typed is when anyone has last typed; zero: nobody has.
func (s *Shell) Typed() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.activity.typed
}

// state requires s.mu.
func (s *Shell) state() State {
	switch {
	case s.exit != nil:
		return State{Doing: Finished, Since: s.active, Exit: s.exit.Code}
	case s.activity.state.Doing == "":
		return State{Doing: Quiet}
	}
	return s.activity.state
}
