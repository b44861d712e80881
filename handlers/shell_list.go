package handlers

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"convoy/fleet"
	"convoy/handlers/web"
	"convoy/templates"
)

// listWait bounds the wait for other nodes' current lists.
const listWait = time.Second

// GET /shells
func (h *Handlers) listAllShells(w http.ResponseWriter, r *http.Request) error {
	defer h.live.KeepCurrent(r.Context())()
	nodes := h.live.Overview().Nodes
	shells := h.shellsNow(r.Context(), nodes)
	if !web.IsHTMX(r) {
		return web.WriteJSON(w, http.StatusOK, append([]templates.Shell{}, slices.Concat(shells...)...))
	}
	view := templates.ShellList{}
	for i, node := range nodes {
		for _, s := range templates.Number(shells[i]) {
			s.Node = node.Name
			view.Shells = append(view.Shells, templates.ShellRow{Shell: s, Reachable: node.Status == fleet.Alive})
		}
	}
	slices.SortStableFunc(view.Shells, func(a, b templates.ShellRow) int { return a.Calm() - b.Calm() })
	return h.site.Render(w, http.StatusOK, "shell_list", view)
}

// shellsNow are the current shells of each node: feeds do not report which program runs. If a node does not answer in
// time, they are the last known ones.
func (h *Handlers) shellsNow(ctx context.Context, nodes []fleet.Node) [][]templates.Shell {
	ctx, cancel := context.WithTimeout(ctx, listWait)
	defer cancel()
	all := make([][]templates.Shell, len(nodes))
	var asking sync.WaitGroup
	for i, node := range nodes {
		all[i] = h.live.ShellsOn(node)
		if node.Name == h.Self || len(all[i]) == 0 || node.Status != fleet.Alive {
			continue
		}
		asking.Go(func() {
			var now []templates.Shell
			if h.nodes.GetJSON(ctx, node.Name, "/shells", &now) == nil {
				all[i] = now
			}
		})
	}
	asking.Wait()
	return all
}
