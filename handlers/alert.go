package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/handlers/alerts"
	"convoy/handlers/session"
	"convoy/templates"
)

// showAlert answers htmx with the dialog in which a user chooses of what to be told.
func (h *Handlers) showAlert(w http.ResponseWriter, r *http.Request, body []byte) error {
	node, err := h.nodes.Of(r)
	if err != nil {
		return err
	}
	shell := chi.URLParam(r, "shell")
	view := templates.AlertForm{
		Path:  "/nodes/" + url.PathEscape(node.Name) + "/shells/" + url.PathEscape(shell) + "/alert",
		What:  "the shell",
		Short: templates.ShortName(node.Host),
	}
	if err := json.Unmarshal(body, &view.Alert); err != nil {
		return err
	}
	for _, s := range h.live.ShellsOf(node.Name) {
		if s.ID == shell {
			view.What = s.Label()
		}
	}
	switch {
	case r.Method == http.MethodGet:
	case view.Any():
		view.Said = "Saved."
	default:
		view.Said = "Saved: nothing is sent."
	}
	return h.site.Render(w, http.StatusOK, "alert", view)
}

// showPush answers htmx with the part of that dialog about the browser.
func (h *Handlers) showPush(w http.ResponseWriter, _ *http.Request, body []byte) error {
	var view templates.Push
	if err := json.Unmarshal(body, &view); err != nil {
		return err
	}
	return h.site.Render(w, http.StatusOK, "push", view)
}

// homeWait bounds a call to a user's home node.
const homeWait = 10 * time.Second

// callHome passes a message for a user's browsers to the node where the user logged in. again reports whether that may
// work later.
func (h *Handlers) callHome(ctx context.Context, by access.Identity, c alerts.Call) (again bool, err error) {
	ctx, cancel := context.WithTimeout(session.With(ctx, session.Session{Identity: by, Role: by.Role}), homeWait)
	defer cancel()
	body, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/push/message", bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	h.sessions.SignRequest(ctx, r)
	answer, err := h.Cluster.Do(by.Home, r)
	if err != nil {
		return true, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		return answer.StatusCode >= http.StatusInternalServerError, fmt.Errorf("the answer was %s", answer.Status)
	}
	return false, nil
}
