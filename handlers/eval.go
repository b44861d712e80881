package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/handlers/web"
)

const (
	evalWait = 30 * time.Second // for one evaluation
	askWait  = 25 * time.Hour   // for a call of a remote shell, which may wait for a message
)

// Evaluation is the result of source text.
type Evaluation struct {
	Output string // its output, with its last value at the end
	Error  string // why it failed; "" if it did not
}

// Prompt is this node's Convoy shell.
type Prompt interface {
	// Evaluate evaluates source text in a sandboxed shell of its own, with a user's rights. The error is the node's.
	Evaluate(ctx context.Context, who access.Identity, source string) (Evaluation, error)
	// Ask makes a call of the Convoy shell of that id, which runs on a user's machine. The error is for the user.
	Ask(ctx context.Context, who access.Identity, shell, fn string, args []json.RawMessage) (any, error)
}

// POST /api/cmd
func (h *Handlers) evaluateCommand(w http.ResponseWriter, r *http.Request) error {
	var ask struct{ Value string }
	if err := web.ReadJSON(w, r, &ask); err != nil {
		return err
	}
	return h.evaluate(w, r, ask.Value)
}

// POST /nodes/{node}/eval
func (h *Handlers) evaluateHere(w http.ResponseWriter, r *http.Request) error {
	var ask struct{ Source string }
	if err := web.ReadJSON(w, r, &ask); err != nil {
		return err
	}
	return h.evaluate(w, r, ask.Source)
}

// evaluated is the response to an evaluation.
type evaluated struct {
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
}

func (h *Handlers) evaluate(w http.ResponseWriter, r *http.Request, source string) error {
	if strings.TrimSpace(source) == "" {
		return web.BadRequest("there is nothing to evaluate")
	}
	ctx, cancel := context.WithTimeout(r.Context(), evalWait)
	defer cancel()
	h.Log.Info("evaluation requested", "user", session.Of(r).User, "addr", session.ClientAddr(r))
	session.Describe(r.Context(), h.Self, source)
	got, err := h.Prompt.Evaluate(ctx, session.Of(r).Actor(), source)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if got.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	return web.WriteJSON(w, status, evaluated{strings.TrimSuffix(got.Output, "\n"), got.Error})
}

var shellID = regexp.MustCompile(`^[a-z0-9]{16}$`)

// POST /api/shell: a call of a Convoy shell on a user's machine.
func (h *Handlers) askNode(w http.ResponseWriter, r *http.Request) error {
	id := r.Header.Get("Convoy-Shell")
	if !shellID.MatchString(id) {
		return web.BadRequest("Convoy-Shell must be 16 letters and digits")
	}
	var ask struct {
		Fn   string
		Args []json.RawMessage
	}
	if err := web.ReadJSON(w, r, &ask); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), askWait)
	defer cancel()
	value, err := h.Prompt.Ask(ctx, session.Of(r).Actor(), session.Of(r).Grant+"/"+id, ask.Fn, ask.Args)
	switch {
	case err != nil && r.Context().Err() != nil:
		return err
	case err != nil:
		return web.WriteJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
	}
	return web.WriteJSON(w, http.StatusOK, map[string]any{"value": value})
}

// runWait bounds one command, with its wait for a turn.
const runWait = 10 * time.Minute

// UnconfinedError is why this node starts no system shells: it cannot confine them.
type UnconfinedError struct{ Reason string }

func (e *UnconfinedError) Error() string {
	return "system shells are refused on this node: " + e.Reason
}

// ErrNoSystemShell is a node that runs no commands.
var ErrNoSystemShell = errors.New("system shells are switched off on this node")

// Result is the result of a command.
type Result struct {
	Status int    // -1: a signal ended it
	Output string // standard output and error, interleaved
	Took   time.Duration
}

// Commands are run by this node's system shell, without a terminal.
type Commands interface {
	// Run runs a command line for a user until it ends, or ctx does, which ends all its processes. It fails with
	// ErrNoSystemShell.
	Run(ctx context.Context, who access.Identity, command string) (Result, error)
}

// commandResult is the response to a command.
type commandResult struct {
	Status int     `json:"status"`
	Output string  `json:"output"`
	Took   float64 `json:"took"` // s
}

// POST /nodes/{node}/run
func (h *Handlers) runHere(w http.ResponseWriter, r *http.Request) error {
	var ask struct{ Command string }
	if err := web.ReadJSON(w, r, &ask); err != nil {
		return err
	}
	if strings.TrimSpace(ask.Command) == "" {
		return web.BadRequest("there is no command to run")
	}
	ctx, cancel := context.WithTimeout(r.Context(), runWait)
	defer cancel()
	h.Log.Info("command requested", "user", session.Of(r).User, "addr", session.ClientAddr(r), "node", h.Self)
	session.Describe(r.Context(), "", ask.Command)
	got, err := h.Commands.Run(ctx, session.Of(r).Actor(), ask.Command)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, commandResult{got.Status, got.Output, got.Took.Seconds()})
}
