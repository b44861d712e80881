package handlers

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/fleet"
	"convoy/handlers/hop"
	"convoy/handlers/web"
	"convoy/pty/cast"
	"convoy/templates"
)

// recordingsWait bounds the wait for other nodes' lists.
const recordingsWait = 3 * time.Second

// allRecordings asks every node. The newest recordings come first.
func (h *Handlers) allRecordings(ctx context.Context) (all []templates.Recording, mute []templates.Silent) {
	ctx, cancel := context.WithTimeout(ctx, recordingsWait)
	defer cancel()
	all, mute = gather(h.live.Overview().Nodes, func(node fleet.Node) ([]templates.Recording, error) {
		if node.Status.Pending() || node.Status == fleet.Left {
			return nil, nil
		}
		return h.recordingsOf(ctx, node.Name)
	})
	slices.SortFunc(all, func(a, b templates.Recording) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.Node, b.Node), cmp.Compare(b.ID, a.ID))
	})
	return all, mute
}

// GET /recordings
func (h *Handlers) showRecordings(w http.ResponseWriter, r *http.Request) error {
	all, mute := h.allRecordings(r.Context())
	if !web.WantsHTML(r) {
		return web.WriteJSON(w, http.StatusOK, map[string]any{
			"recordings": append([]templates.Recording{}, all...), "unreachable": append([]templates.Silent{}, mute...),
		})
	}
	view := templates.Recordings{Page: h.page(r, "Recordings"), Rows: all, Silent: mute}
	return h.site.Render(w, http.StatusOK, "recordings", view)
}

// GET /recordings/{node}/{recording}
func (h *Handlers) playRecording(w http.ResponseWriter, r *http.Request) error {
	node, err := h.nodes.Of(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), recordingsWait)
	defer cancel()
	list, err := h.recordingsOf(ctx, node.Name)
	if err != nil {
		return hop.Unreachable(node.Name, err)
	}
	id := chi.URLParam(r, "recording")
	i := slices.IndexFunc(list, func(one templates.Recording) bool { return one.ID == id })
	if i < 0 {
		return fmt.Errorf("play recording %q: %w", id, cast.ErrNotFound)
	}
	page := h.page(r, list[i].Name()+" on "+templates.ShortName(list[i].Node))
	return h.site.Render(w, http.StatusOK, "player", templates.Player{Page: page, Recording: list[i]})
}
