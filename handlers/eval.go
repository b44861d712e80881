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
)

const (
	maxSource = 64 << 10         // bytes of source text
	evalWait  = 30 * time.Second // for one evaluation
	askWait   = 25 * time.Hour   // for what a connected shell asks: it may wait for a message
)

// Evaluation is what came of source text.
type Evaluation struct {
	Output string // what it printed, its last value at the end
	Error  string // why it failed; "" if it did not
}

// Prompt is this node's Convoy shell.
type Prompt interface {
	// Evaluate evaluates source text in a limited shell of its own, with somebody's rights. The error is for what concerns
	// the node.
	Evaluate(ctx context.Context, who access.Identity, source string) (Evaluation, error)
	// Ask does what the Convoy shell of that id, which runs elsewhere, asks of its node. The error is for its reader.
	Ask(ctx context.Context, who access.Identity, shell, fn string, args []json.RawMessage) (any, error)
}

// POST /api/cmd, as the demo had it.
func (h *Handlers) evaluateCommand(w http.ResponseWriter, r *http.Request) error {
	var ask struct{ Value string }
	if err := readJSON(w, r, &ask); err != nil {
		return err
	}
	return h.evaluate(w, r, ask.Value)
}

// POST /nodes/{node}/eval
func (h *Handlers) evaluateHere(w http.ResponseWriter, r *http.Request) error {
	var ask struct{ Source string }
	if err := readJSON(w, r, &ask); err != nil {
		return err
	}
	return h.evaluate(w, r, ask.Source)
}

// evaluated is the answer to an evaluation.
type evaluated struct {
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
}

func (h *Handlers) evaluate(w http.ResponseWriter, r *http.Request, source string) error {
	if strings.TrimSpace(source) == "" {
		return badRequest("there is nothing to evaluate")
	}
	ctx, cancel := contextWithTimeout(r, evalWait)
	defer cancel()
	h.Log.Info("evaluation asked for", "user", sessionOf(r).User, "addr", h.clientOf(r))
	tell(r.Context(), h.Self, source)
	got, err := h.Prompt.Evaluate(ctx, sessionOf(r).who(), source)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if got.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	return writeJSON(w, status, evaluated{strings.TrimSuffix(got.Output, "\n"), got.Error})
}

var shellID = regexp.MustCompile(`^[a-z0-9]{16}$`)

// POST /api/shell: what a Convoy shell on somebody's own machine asks of this node.
func (h *Handlers) askNode(w http.ResponseWriter, r *http.Request) error {
	id := r.Header.Get("Convoy-Shell")
	if !shellID.MatchString(id) {
		return badRequest("Convoy-Shell must be 16 letters and digits")
	}
	var ask struct {
		Fn   string
		Args []json.RawMessage
	}
	if err := readJSON(w, r, &ask); err != nil {
		return err
	}
	ctx, cancel := contextWithTimeout(r, askWait)
	defer cancel()
	value, err := h.Prompt.Ask(ctx, sessionOf(r).who(), sessionOf(r).Grant+"/"+id, ask.Fn, ask.Args)
	if err != nil && r.Context().Err() == nil {
		return writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"value": value})
}

// readJSON decodes a body of at most maxSource bytes.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSource))
	if err := in.Decode(into); err != nil {
		return badBody(err)
	}
	if in.More() {
		return badBody(errors.New("more than one value"))
	}
	return nil
}
