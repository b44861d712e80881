package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"convoy/access"
)

// runWait bounds one command, and the time that it waits for its turn.
const runWait = 10 * time.Minute

// UnconfinedError says why this node starts no system shell: nothing would keep it from the node.
type UnconfinedError struct{ Reason string }

func (e *UnconfinedError) Error() string {
	return "system shells are refused on this node: " + e.Reason
}

// ErrNoSystemShell says that this node runs no commands.
var ErrNoSystemShell = errors.New("system shells are switched off on this node")

// Ran is what came of a command.
type Ran struct {
	Status int    // -1: a signal ended it
	Output string // both of its outputs, as they came
	Took   time.Duration
}

// Commands are run by this node's system shell, without a terminal.
type Commands interface {
	// Run runs a command line for somebody until it ends, or ctx does: then nothing of it is left. It fails with
	// ErrNoSystemShell.
	Run(ctx context.Context, who access.Identity, command string) (Ran, error)
}

// ran is the answer to a command.
type ran struct {
	Status int     `json:"status"`
	Output string  `json:"output"`
	Took   float64 `json:"took"` // s
}

// POST /nodes/{node}/run
func (h *Handlers) runHere(w http.ResponseWriter, r *http.Request) error {
	var ask struct{ Command string }
	if err := readJSON(w, r, &ask); err != nil {
		return err
	}
	if strings.TrimSpace(ask.Command) == "" {
		return badRequest("there is no command to run")
	}
	ctx, cancel := contextWithTimeout(r, runWait)
	defer cancel()
	h.Log.Info("command asked for", "user", sessionOf(r).User, "addr", h.clientOf(r), "node", h.Self)
	tell(r.Context(), "", ask.Command)
	got, err := h.Commands.Run(ctx, sessionOf(r).who(), ask.Command)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, ran{got.Status, got.Output, got.Took.Seconds()})
}
