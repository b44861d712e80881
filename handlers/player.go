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
func (h *Handlers) allRecordings(ctx context.Context) (all []recording, mute []silent) {
	ctx, cancel := context.WithTimeout(ctx, recordingsWait)
	defer cancel()
	all, mute = gather(h.live.Overview().Nodes, func(node fleet.Node) ([]recording, error) {
		if node.Status.Pending() || node.Status == fleet.Left {
			return nil, nil
		}
		return h.recordingsOf(ctx, node.Name)
	})
	slices.SortFunc(all, func(a, b recording) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.Node, b.Node), cmp.Compare(b.ID, a.ID))
	})
	return all, mute
}

// GET /recordings
func (h *Handlers) showRecordings(w http.ResponseWriter, r *http.Request) error {
	all, mute := h.allRecordings(r.Context())
	if !web.WantsHTML(r) {
		return web.WriteJSON(w, http.StatusOK, map[string]any{
			"recordings": append([]recording{}, all...), "unreachable": append([]silent{}, mute...),
		})
	}
	view := templates.Recordings{Page: h.page(r, "Recordings")}
	for _, one := range all {
		view.Rows = append(view.Rows, recordingView(one))
	}
	view.Silent = silentView(mute)
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
	i := slices.IndexFunc(list, func(one recording) bool { return one.ID == id })
	if i < 0 {
		return fmt.Errorf("play recording %q: %w", id, cast.ErrNotFound)
	}
	view := recordingView(list[i])
	page := h.page(r, view.Title+" on "+view.Short)
	return h.site.Render(w, http.StatusOK, "player", templates.Player{Page: page, Recording: view})
}

func recordingView(r recording) templates.Recording {
	return templates.Recording{
		ID:      r.ID,
		Node:    r.Node,
		Short:   hop.ShortName(r.Node),
		Shell:   r.Shell,
		Title:   cmp.Or(r.Title, "shell"),
		By:      r.By,
		Started: r.Started,
		Length:  length(r.Seconds),
		Size:    size(r.Bytes),
		State:   string(r.State),
		Reason:  r.Reason,
	}
}

// length is a duration as players show it: 0:05, 12:34, 1:00:00.
func length(seconds float64) string {
	s := int64(min(max(seconds, 0), 1e9))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// size is a number of bytes in the unit that suits it.
func size(bytes int64) string {
	switch {
	case bytes < 1<<10:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%d KiB", bytes>>10)
	case bytes < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}
