package handlers

import (
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/templates"
)

// stateJSON is what a shell does, as docs/protocol.md describes it.
func stateJSON(s pty.State) templates.State {
	state := templates.State{
		Doing: string(s.Doing), Since: web.Time(s.Since), Command: s.Command, Asks: s.Asks, Seconds: s.Took.Seconds(),
	}
	if name := s.Progress.State.String(); name != "" {
		state.Progress = &templates.Progress{State: name, Percent: s.Progress.Percent}
	}
	if s.Doing == pty.Finished && s.Exit >= 0 {
		state.Exit = &s.Exit
	}
	return state
}
