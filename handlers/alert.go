package handlers

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

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
