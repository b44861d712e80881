package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/pty"
	"convoy/pty/cast"
)

// castType is the media type of a recording.
const castType = "application/x-asciicast"

// maxRecordingsBytes bounds what another node says of its recordings.
const maxRecordingsBytes = 4 << 20

// recording is a recording as docs/protocol.md shows it.
type recording struct {
	ID      string     `json:"id"`
	Node    string     `json:"node"`
	Shell   string     `json:"shell"`
	Title   string     `json:"title"`
	By      string     `json:"by"`
	Started time.Time  `json:"started"`
	Seconds float64    `json:"seconds"`
	Bytes   int64      `json:"bytes"`
	State   cast.State `json:"state"`
	Reason  string     `json:"reason"`
}

func (h *Handlers) recordingJSON(s cast.Summary) recording {
	return recording{ID: s.ID, Node: h.Self, Shell: s.Shell, Title: s.Title, By: s.By, Started: s.Started.UTC(),
		Seconds: s.Duration.Seconds(), Bytes: s.Bytes, State: s.State, Reason: s.Reason}
}

// ownRecordings are this node's recordings, newest first.
func (h *Handlers) ownRecordings() ([]recording, error) {
	summaries, err := h.Recordings.List()
	list := []recording{}
	for _, s := range summaries {
		list = append(list, h.recordingJSON(s))
	}
	return list, err
}

// POST /nodes/{node}/shells/{shell}/recording
func (h *Handlers) startRecording(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Record(chi.URLParam(r, "shell"), sessionOf(r).User)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, h.recordingJSON(s))
}

// DELETE /nodes/{node}/shells/{shell}/recording
func (h *Handlers) stopRecording(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.StopRecording(chi.URLParam(r, "shell"), sessionOf(r).User)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, h.recordingJSON(s))
}

// GET /nodes/{node}/recordings
func (h *Handlers) listRecordings(w http.ResponseWriter, _ *http.Request) error {
	list, err := h.ownRecordings()
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, list)
}

// GET /nodes/{node}/recordings/{recording}
//
// Of a recording that is still being written it sends what is there.
func (h *Handlers) sendRecording(w http.ResponseWriter, r *http.Request) error {
	f, err := h.Recordings.Open(chi.URLParam(r, "recording"))
	if err != nil {
		return err
	}
	defer f.Close()
	castHeaders(w.Header(), r)
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

// castHeaders says that the answer is a file to be kept, not to be shown.
func castHeaders(head http.Header, r *http.Request) {
	head.Set("Content-Type", castType)
	if id := chi.URLParam(r, "recording"); cast.ValidID(id) {
		head.Set("Content-Disposition", `attachment; filename="`+id+`.cast"`)
	}
}

// DELETE /nodes/{node}/recordings/{recording}
func (h *Handlers) removeRecording(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "recording")
	if err := h.Recordings.Remove(id); err != nil {
		return err
	}
	h.Log.Info("recording removed", "node", h.Self, "recording", id, "user", sessionOf(r).User)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// recordingsOf asks any node for its recordings.
func (h *Handlers) recordingsOf(ctx context.Context, node string) ([]recording, error) {
	if node == h.Self {
		return h.ownRecordings()
	}
	var said, list []recording
	err := h.askJSON(ctx, node, "/nodes/"+url.PathEscape(node)+"/recordings", maxRecordingsBytes, &said)
	if errors.Is(err, pty.ErrNotFound) {
		return nil, errors.New("it does not support recordings")
	}
	if err != nil {
		return nil, err
	}
	for _, one := range said {
		if one.Node = node; cast.ValidID(one.ID) {
			list = append(list, one)
		}
	}
	return list, nil
}
