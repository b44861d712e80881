package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/handlers/hop"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/pty/cast"
	"convoy/templates"
)

func (h *Handlers) recordingJSON(s cast.Summary) templates.Recording {
	return templates.Recording{ID: s.ID, Node: h.Self, Shell: s.Shell, Title: s.Title, By: s.By, Started: s.Started.UTC(),
		Seconds: s.Duration.Seconds(), Bytes: s.Bytes, State: string(s.State), Reason: s.Reason}
}

// ownRecordings are this node's recordings, newest first.
func (h *Handlers) ownRecordings() ([]templates.Recording, error) {
	summaries, err := h.Recordings.List()
	list := []templates.Recording{}
	for _, s := range summaries {
		list = append(list, h.recordingJSON(s))
	}
	return list, err
}

// POST /nodes/{node}/shells/{shell}/recording
func (h *Handlers) startRecording(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Record(chi.URLParam(r, "shell"), session.Of(r).User)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusCreated, h.recordingJSON(s))
}

// DELETE /nodes/{node}/shells/{shell}/recording
func (h *Handlers) stopRecording(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.StopRecording(chi.URLParam(r, "shell"), session.Of(r).User)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, h.recordingJSON(s))
}

// showRecording responds to htmx when a recording has begun or ended; the shell's tab shows it with the list of nodes.
func (h *Handlers) showRecording(w http.ResponseWriter, r *http.Request, _ []byte) error {
	if r.Method == http.MethodPost {
		return web.NoContent(w, nil)
	}
	const hint = "To play it, open the recordings in the menu at the top."
	notice := templates.Notice{Level: "info", Text: "Recording saved.", Hint: hint}
	return h.site.Render(w, http.StatusOK, "notice", notice)
}

// GET /nodes/{node}/recordings
func (h *Handlers) listRecordings(w http.ResponseWriter, _ *http.Request) error {
	list, err := h.ownRecordings()
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, list)
}

// GET /nodes/{node}/recordings/{recording}
//
// Of a recording in progress it sends what exists.
func (h *Handlers) sendRecording(w http.ResponseWriter, r *http.Request) error {
	f, err := h.Recordings.Open(chi.URLParam(r, "recording"))
	if err != nil {
		return err
	}
	defer f.Close()
	hop.RecordingHeaders(w.Header(), r)
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

// DELETE /nodes/{node}/recordings/{recording}
func (h *Handlers) removeRecording(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "recording")
	if err := h.Recordings.Remove(id); err != nil {
		return err
	}
	h.Log.Info("recording removed", "node", h.Self, "recording", id, "user", session.Of(r).User)
	return web.NoContent(w, nil)
}

// recordingsOf are the recordings of a node, this one or another.
func (h *Handlers) recordingsOf(ctx context.Context, node string) ([]templates.Recording, error) {
	if node == h.Self {
		return h.ownRecordings()
	}
	var found, list []templates.Recording
	err := h.nodes.GetJSON(ctx, node, "/recordings", &found)
	if errors.Is(err, pty.ErrNotFound) {
		return nil, errors.New("it does not support recordings")
	}
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		if one.Node = node; cast.ValidID(one.ID) {
			list = append(list, one)
		}
	}
	return list, nil
}
