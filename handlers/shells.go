package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/pty"
)

// maxInput is the most that one input request may carry, in bytes.
const maxInput = 64 << 10

// inputWait bounds how long one request waits for a program that does not read.
const inputWait = 10 * time.Second

// shell is a shell as docs/protocol.md shows it.
type shell struct {
	ID      string    `json:"id"`
	Node    string    `json:"node"`
	Kind    string    `json:"kind"`
	Right   string    `json:"right"`
	Title   string    `json:"title"`
	Program string    `json:"program"`
	PID     int       `json:"pid"`
	Dir     string    `json:"dir"`
	Busy    string    `json:"busy"`
	Started time.Time `json:"started"`
	Active  time.Time `json:"active"`
	Viewers int       `json:"viewers"`
	Rows    int       `json:"rows"`
	Cols    int       `json:"cols"`
	End     int64     `json:"end"`
	Running bool      `json:"running"`
	Exit    *exit     `json:"exit"`
	Links   int       `json:"links"`
	Shield  string    `json:"shield,omitempty"`

	Recording bool `json:"recording"`
}

type exit struct {
	Code   int    `json:"code"`
	Signal string `json:"signal"`
}

func (h *Handlers) shellJSON(i pty.Info) shell {
	s := shell{
		ID:        i.ID,
		Node:      h.Self,
		Kind:      i.Kind,
		Right:     rightFor(i.Kind, i.Right).String(),
		Title:     i.Title,
		Program:   i.Program,
		PID:       i.PID,
		Dir:       i.Dir,
		Busy:      i.Busy,
		Started:   i.Started.UTC(),
		Active:    i.Active.UTC(),
		Viewers:   i.Viewers,
		Rows:      i.Size.Rows,
		Cols:      i.Size.Cols,
		End:       i.End,
		Running:   i.Running,
		Links:     h.links.count(i.ID),
		Recording: i.Recording,
	}
	if i.Kind != "convoy" && h.Shield != nil {
		s.Shield = h.Shield()
	}
	if i.Exit != nil {
		s.Exit = &exit{i.Exit.Code, i.Exit.Signal}
	}
	return s
}

// ownShells are this node's shells, oldest first.
func (h *Handlers) ownShells() []shell {
	list := []shell{}
	for _, info := range h.Shells.List() {
		list = append(list, h.shellJSON(info))
	}
	return list
}

// GET /nodes/{node}/shells
func (h *Handlers) listShells(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, h.ownShells())
}

// opened is a shell that was opened; Hint says what is otherwise than was asked for.
type opened struct {
	shell
	Hint string `json:"hint,omitempty"`
}

// POST /nodes/{node}/shells
func (h *Handlers) openShell(w http.ResponseWriter, r *http.Request) error {
	ask := struct {
		Rows, Cols  int
		First       bool
		Dir, Before string
		Kind        string
	}{Rows: 24, Cols: 80}
	if err := readWish(w, r, &ask); err != nil {
		return err
	}
	role := sessionOf(r).Role
	if ask.Kind == "" {
		ask.Kind = h.usualKind(role)
	}
	if ask.Kind != "convoy" && !role.Allows(access.OpenSystem) {
		return refused(role, access.OpenSystem)
	}
	dir, hint, err := h.readDir(ask.Kind, ask.Dir)
	if err != nil {
		return err
	}
	status, open := http.StatusOK, h.Shells.First
	if !ask.First {
		open = func(place pty.OpenOptions, size pty.Size) (*pty.Shell, bool, error) {
			s, err := h.Shells.OpenAt(place, size)
			return s, true, err
		}
	}
	h.opening.Lock()
	defer h.opening.Unlock()
	if err := h.checkShells(sessionOf(r)); err != nil && !ask.First {
		return err
	}
	s, isNew, err := open(
		pty.OpenOptions{Kind: ask.Kind, Right: sessionOf(r).who().String(), Dir: dir, Before: ask.Before},
		pty.Size{Rows: ask.Rows, Cols: ask.Cols},
	)
	if err != nil {
		return err
	}
	if isNew {
		status = http.StatusCreated
	}
	tell(r.Context(), h.Self+"/"+s.Info().ID, ask.Kind)
	return writeJSON(w, status, opened{h.shellJSON(s.Info()), hint})
}

// usualKind is the kind of shell that opens without a choice: the first that a role may have.
func (h *Handlers) usualKind(role access.Role) string {
	kinds := h.Shells.Kinds()
	if kinds[0] != "convoy" && !role.Allows(access.OpenSystem) && slices.Contains(kinds, "convoy") {
		return "convoy"
	}
	return kinds[0]
}

// readDir is the working directory that was asked for. One that a shell cannot enter (any more) is no error: the shell
// begins where shells of this node do, and the hint says so. What is tried is tried with a shell's power: whoever asks
// learns no more about the machine's directories than a shell would tell.
func (h *Handlers) readDir(kind, asked string) (dir, hint string, err error) {
	switch {
	case asked == "":
		return "", "", nil
	case kind == "convoy":
		return "", "", &problem{
			Status: http.StatusBadRequest,
			Text:   "a Convoy shell has no working directory",
			Hint:   "leave out dir, or open a system shell",
		}
	case !filepath.IsAbs(asked):
		return "", "", badRequest("dir must be an absolute path, not %q", asked)
	}
	if err := h.Files.CheckDir(asked); err != nil {
		return "", fmt.Sprintf(
			"there is no directory %q that the shell can enter; it starts in the default directory",
			asked,
		), nil
	}
	return asked, "", nil
}

// readWish decodes a small body of JSON that says how something is wanted; none leaves into as it is.
func readWish(w http.ResponseWriter, r *http.Request, into any) error {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	if err := in.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return badBody(err)
	}
	return nil
}

// badBody is a body that is too large, or is not the JSON that was asked for.
func badBody(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, errSlowBody) {
		return err
	}
	return badRequest("the body is not valid JSON for this request: %v", err)
}

// GET /nodes/{node}/shells/{shell}
func (h *Handlers) showShell(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, h.shellJSON(s.Info()))
}

// DELETE /nodes/{node}/shells/{shell}
func (h *Handlers) closeShell(w http.ResponseWriter, r *http.Request) error {
	if err := h.Shells.Remove(r.Context(), chi.URLParam(r, "shell")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// POST /nodes/{node}/shells/{shell}/input
func (h *Handlers) writeShell(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return err
	}
	in, err := readInput(w, r)
	if err != nil {
		return err
	}
	if in.ack >= 0 {
		if err := s.Ack(in.viewer, in.ack); err != nil {
			return err
		}
	}
	actFor(s, sessionOf(r))
	if err := h.typeInto(r, s, in); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handlers) typeInto(r *http.Request, s *pty.Shell, in input) error {
	ctx, cancel := contextWithTimeout(r, inputWait)
	defer cancel()
	if in.viewer == "" {
		return s.Write(ctx, in.body)
	}
	return s.Input(ctx, in.viewer, in.n, in.body)
}

// POST /nodes/{node}/shells/{shell}/ack
func (h *Handlers) ackShell(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return err
	}
	viewer, err := viewerOf(r)
	if err != nil {
		return err
	}
	off, err := number(r, "off", 0)
	if err != nil {
		return err
	}
	if err := s.Ack(viewer, off); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// POST /nodes/{node}/shells/{shell}/size
func (h *Handlers) resizeShell(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return err
	}
	rows, err := number(r, "rows", 1)
	if err != nil {
		return err
	}
	cols, err := number(r, "cols", 1)
	if err != nil {
		return err
	}
	if err := fit(r, s, pty.Size{Rows: int(min(rows, 1<<16)), Cols: int(min(cols, 1<<16))}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// fit is a viewer's claim to a size, or a script's order.
func fit(r *http.Request, s *pty.Shell, size pty.Size) error {
	query := r.URL.Query()
	if !query.Has("viewer") && !query.Has("claim") {
		return s.Resize(size)
	}
	viewer, err := viewerOf(r)
	if err != nil {
		return err
	}
	return s.Fit(viewer, size, pty.Claim(query.Get("claim")))
}

// input is one decoded input request. viewer is empty for unnumbered input; ack is -1 without one.
type input struct {
	viewer string
	n, ack int64
	body   []byte
}

func readInput(w http.ResponseWriter, r *http.Request) (in input, err error) {
	query := r.URL.Query()
	in.ack = -1
	if query.Has("viewer") || query.Has("n") || query.Has("ack") {
		if in.viewer, err = viewerOf(r); err != nil {
			return in, err
		}
		if in.n, err = number(r, "n", 0); err != nil {
			return in, err
		}
	}
	if query.Has("ack") {
		if in.ack, err = number(r, "ack", 0); err != nil {
			return in, err
		}
	}
	in.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxInput))
	return in, err
}

var viewerName = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)

// viewerOf is the viewer that a request speaks for.
func viewerOf(r *http.Request) (string, error) {
	viewer := r.URL.Query().Get("viewer")
	if !viewerName.MatchString(viewer) {
		return "", badRequest("viewer must be 16 to 64 letters, digits, - or _")
	}
	if l, ok := r.Context().Value(linkKey{}).(*link); ok {
		return l.viewerID(viewer), nil
	}
	return viewer, nil
}

// number reads a query parameter that must be a whole number, least or more.
func number(r *http.Request, name string, least int64) (int64, error) {
	text := r.URL.Query().Get(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least {
		return 0, badRequest("%s must be a whole number from %d, not %q", name, least, text)
	}
	return n, nil
}
