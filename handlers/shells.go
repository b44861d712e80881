package handlers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/handlers/hop"
	"convoy/handlers/live"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/templates"
)

// maxInput bounds one input request, in bytes.
const maxInput = 64 << 10

// inputWait bounds the wait for a program that does not read.
const inputWait = 10 * time.Second

func (h *Handlers) shellJSON(i pty.Info) templates.Shell {
	s := templates.Shell{
		ID:        i.ID,
		Node:      h.Self,
		Kind:      i.Kind,
		Right:     session.ShellRole(i.Kind, i.Right).String(),
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
		State:     stateJSON(i.State),
		Links:     h.links.Count(i.ID),
		Recording: i.Recording,
	}
	if i.Kind != "convoy" && h.SandboxStatus != nil {
		s.Shield = h.SandboxStatus()
	}
	if i.Exit != nil {
		s.Exit = &templates.Exit{Code: i.Exit.Code, Signal: i.Exit.Signal}
	}
	return s
}

// ownShells are this node's shells, oldest first.
func (h *Handlers) ownShells() []templates.Shell {
	list := []templates.Shell{}
	for _, info := range h.Shells.List() {
		list = append(list, h.shellJSON(info))
	}
	return list
}

// GET /nodes/{node}/shells
func (h *Handlers) listShells(w http.ResponseWriter, _ *http.Request) error {
	return web.WriteJSON(w, http.StatusOK, h.ownShells())
}

// opened is a new shell. Hint is what differs from the request.
type opened struct {
	templates.Shell
	Hint string `json:"hint,omitempty"`
}

// shellOptions are the body of POST /nodes/{node}/shells.
type shellOptions struct {
	Rows, Cols  int
	First       bool
	Dir, Before string
	Kind        string
}

// POST /nodes/{node}/shells
func (h *Handlers) openShell(w http.ResponseWriter, r *http.Request) error {
	ask := shellOptions{Rows: 24, Cols: 80}
	if err := web.ReadOptions(w, r, &ask); err != nil {
		return err
	}
	made, isNew, err := h.open(r, ask)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if isNew {
		status = http.StatusCreated
	}
	return web.WriteJSON(w, status, made)
}

// open opens a shell for the user of a request, or finds the first one.
func (h *Handlers) open(r *http.Request, ask shellOptions) (made opened, isNew bool, err error) {
	role := session.Of(r).Role
	if ask.Kind == "" {
		ask.Kind = h.defaultKind(role)
	}
	if ask.Kind != "convoy" && !role.Allows(access.OpenSystem) {
		return made, false, session.Forbidden(role, access.OpenSystem)
	}
	dir, hint, err := h.readDir(ask.Kind, ask.Dir)
	if err != nil {
		return made, false, err
	}
	open := h.Shells.First
	if !ask.First {
		open = func(place pty.OpenOptions, size pty.Size) (*pty.Shell, bool, error) {
			s, err := h.Shells.OpenAt(place, size)
			return s, true, err
		}
	}
	h.opening.Lock()
	defer h.opening.Unlock()
	if err := h.checkShells(session.Of(r)); err != nil && !ask.First {
		return made, false, err
	}
	s, isNew, err := open(
		pty.OpenOptions{Kind: ask.Kind, Right: session.Of(r).Actor().String(), Dir: dir, Before: ask.Before},
		pty.Size{Rows: ask.Rows, Cols: ask.Cols},
	)
	if err != nil {
		return made, false, err
	}
	session.Describe(r.Context(), h.Self+"/"+s.Info().ID, ask.Kind)
	return opened{h.shellJSON(s.Info()), hint}, isNew, nil
}

// defaultKind is the first kind of shell that a role may open.
func (h *Handlers) defaultKind(role access.Role) string {
	kinds := h.Shells.Kinds()
	if kinds[0] != "convoy" && !role.Allows(access.OpenSystem) && slices.Contains(kinds, "convoy") {
		return "convoy"
	}
	return kinds[0]
}

// readDir checks the requested working directory. If a shell cannot enter it, there is no error: the shell starts in
// the default directory, and the hint reports that. The check has the permissions of a shell, so it reveals no more
// about the machine's directories than a shell does.
func (h *Handlers) readDir(kind, asked string) (dir, hint string, err error) {
	switch {
	case asked == "":
		return "", "", nil
	case kind == "convoy":
		return "", "", web.NewError(http.StatusBadRequest,
			"a Convoy shell has no working directory", "leave out dir, or open a system shell")
	case !filepath.IsAbs(asked):
		return "", "", web.BadRequest("dir must be an absolute path, not %q", asked)
	}
	if err := h.Files.CheckDir(asked); err != nil {
		const hint = "there is no directory %q that the shell can enter; it starts in the default directory"
		return "", fmt.Sprintf(hint, asked), nil
	}
	return asked, "", nil
}

// GET /nodes/{node}/shells/{shell}
func (h *Handlers) showShell(w http.ResponseWriter, _ *http.Request, s *pty.Shell) error {
	return web.WriteJSON(w, http.StatusOK, h.shellJSON(s.Info()))
}

// DELETE /nodes/{node}/shells/{shell}
func (h *Handlers) closeShell(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	if err := h.askFirst(r, s, r.URL.Query().Get("viewer"), "Close", "Closing"); err != nil {
		return err
	}
	return web.NoContent(w, h.Shells.Remove(r.Context(), chi.URLParam(r, "shell")))
}

// POST /nodes/{node}/shells/{shell}/restart: a new shell of the same kind, size and directory, in the same place.
func (h *Handlers) restartShell(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	var ask struct{ Viewer string }
	if err := web.ReadOptions(w, r, &ask); err != nil {
		return err
	}
	if err := h.askFirst(r, s, ask.Viewer, "Restart", "Restarting"); err != nil {
		return err
	}
	old := s.Info()
	like := shellOptions{Rows: old.Size.Rows, Cols: old.Size.Cols, Before: old.ID, Kind: old.Kind, Dir: old.Dir}
	if old.Kind == "convoy" {
		like.Dir = ""
	}
	made, _, err := h.open(r, like)
	if err == nil {
		err = h.Shells.Remove(r.Context(), old.ID)
	}
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusCreated, made)
}

// askFirst has a page ask its user if something runs in a shell that ends, or if others view it. Scripts name no viewer
// and are not asked.
func (h *Handlers) askFirst(r *http.Request, s *pty.Shell, viewer, verb, doing string) error {
	i := s.Info()
	if viewer == "" || r.URL.Query().Has("sure") || !i.Running {
		return nil
	}
	others, first := s.Others(viewer)
	why := ""
	switch {
	case i.Busy != "":
		why = i.Busy + " is still running. " + doing + " the shell ends it"
	case others == 1:
		why = cmp.Or(first, "Someone else") + " is viewing it too"
	case others > 1:
		why = fmt.Sprintf("%d others are viewing it too", others)
	default:
		return nil
	}
	title := i.Title
	for _, one := range h.live.ShellsOf(h.Self) {
		if one.ID == i.ID {
			title = one.Label()
		}
	}
	ask := &web.Question{Title: verb + " " + title + "?", Yes: verb}
	return &web.Error{Status: http.StatusConflict, Text: why, Ask: ask}
}

// showOpened responds to htmx with the name of a new shell, and a notice of what differs from the request.
func (h *Handlers) showOpened(w http.ResponseWriter, r *http.Request, body []byte) error {
	var made opened
	if err := json.Unmarshal(body, &made); err != nil {
		return err
	}
	node, err := web.NodeName(r)
	if err != nil {
		return err
	}
	w.Header().Set("X-Convoy-Shell", node+"/"+made.ID)
	if made.Hint == "" {
		return web.NoContent(w, nil)
	}
	return h.site.Render(w, http.StatusOK, "notice", templates.Notice{Level: "warn", Text: web.Sentence(made.Hint)})
}

// POST /nodes/{node}/shells/{shell}/input: the keys that a user types. It also takes the acknowledgement of output, and
// answers who echoes them.
func (h *Handlers) typeKeys(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	in, err := readInput(w, r)
	if err != nil {
		return err
	}
	if in.ack >= 0 {
		if err := s.Ack(in.viewer, in.ack); err != nil {
			return err
		}
	}
	session.ActFor(s, session.Of(r))
	ctx, cancel := context.WithTimeout(r.Context(), inputWait)
	defer cancel()
	before := s.Echo()
	if in.viewer == "" {
		err = s.Write(ctx, in.body)
	} else {
		err = s.Input(ctx, in.viewer, in.n, in.body)
	}
	if err == nil {
		w.Header().Set(hop.EchoHeader, pty.EchoDuring(before, s.Echo()))
	}
	return web.NoContent(w, err)
}

// POST /nodes/{node}/shells/{shell}/answer: a key for a shell that waits, from someone who does not view it.
func (h *Handlers) answerShell(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	var ask struct{ Key, Since string }
	if err := web.ReadOptions(w, r, &ask); err != nil {
		return err
	}
	since, err := time.Parse(time.RFC3339Nano, ask.Since)
	if err != nil {
		return web.BadRequest("since must be the time in the shell's state, not %q", ask.Since)
	}
	session.Describe(r.Context(), "", ask.Key)
	session.ActFor(s, session.Of(r))
	ctx, cancel := context.WithTimeout(r.Context(), inputWait)
	defer cancel()
	return web.NoContent(w, s.Answer(ctx, ask.Key, since))
}

// POST /nodes/{node}/shells/{shell}/ack
func (h *Handlers) ackShell(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	viewer, err := live.ViewerOf(r)
	if err != nil {
		return err
	}
	off, err := web.Number(r, "off", 0)
	if err != nil {
		return err
	}
	return web.NoContent(w, s.Ack(viewer, off))
}

// POST /nodes/{node}/shells/{shell}/size
func (h *Handlers) resizeShell(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	rows, err := web.Number(r, "rows", 1)
	if err != nil {
		return err
	}
	cols, err := web.Number(r, "cols", 1)
	if err != nil {
		return err
	}
	return web.NoContent(w, fit(r, s, pty.Size{Rows: int(min(rows, 1<<16)), Cols: int(min(cols, 1<<16))}))
}

// POST /nodes/{node}/shells/{shell}/title
func (h *Handlers) renameShell(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	var ask struct{ Title string }
	if err := web.ReadOptions(w, r, &ask); err != nil {
		return err
	}
	s.Rename(ask.Title)
	session.Describe(r.Context(), h.Self+"/"+s.Info().ID, s.Info().Title)
	return web.NoContent(w, nil)
}

// fit handles a viewer's claim to a size, or sets the size for a script.
func fit(r *http.Request, s *pty.Shell, size pty.Size) error {
	query := r.URL.Query()
	if !query.Has("viewer") && !query.Has("claim") {
		return s.Resize(size)
	}
	viewer, err := live.ViewerOf(r)
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
	_, isViewer := web.Param(r, "viewer")
	_, isNumbered := web.Param(r, "n")
	_, acks := web.Param(r, "ack")
	in.ack = -1
	if isViewer || isNumbered || acks {
		if in.viewer, err = live.ViewerOf(r); err != nil {
			return in, err
		}
		if in.n, err = web.Number(r, "n", 0); err != nil {
			return in, err
		}
	}
	if acks {
		if in.ack, err = web.Number(r, "ack", 0); err != nil {
			return in, err
		}
	}
	in.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxInput))
	return in, err
}
