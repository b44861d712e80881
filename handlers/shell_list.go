package handlers

import (
	"context"
	"net/http"
	"sync"
	"time"

	"convoy/fleet"
	"convoy/handlers/hop"
	"convoy/handlers/live"
	"convoy/handlers/web"
	"convoy/templates"
)

// listWait bounds the wait for other nodes' current lists.
const listWait = time.Second

// GET /shells
func (h *Handlers) listAllShells(w http.ResponseWriter, r *http.Request) error {
	defer h.live.Use(r.Context())()
	nodes := h.live.Overview().Nodes
	shells := h.shellsNow(r.Context(), nodes)
	if !web.IsHTMX(r) {
		list := []live.Shell{}
		for _, one := range shells {
			list = append(list, one...)
		}
		return web.WriteJSON(w, http.StatusOK, list)
	}
	view := templates.ShellList{}
	for i, node := range nodes {
		for _, s := range shells[i] {
			view.Shells = append(view.Shells, shellRow(node, s))
		}
	}
	return h.site.Render(w, http.StatusOK, "shell_list", view)
}

// shellsNow are the current shells of each node: feeds do not report which program runs. If a node does not answer in
// time, they are the last known ones.
func (h *Handlers) shellsNow(ctx context.Context, nodes []fleet.Node) [][]live.Shell {
	ctx, cancel := context.WithTimeout(ctx, listWait)
	defer cancel()
	all := make([][]live.Shell, len(nodes))
	var asking sync.WaitGroup
	for i, node := range nodes {
		all[i] = h.live.ShellsOf(node)
		if node.Name == h.Self || len(all[i]) == 0 || node.Status != fleet.Alive {
			continue
		}
		asking.Go(func() {
			var now []live.Shell
			if h.nodes.GetJSON(ctx, node.Name, "/shells", &now) == nil {
				all[i] = now
			}
		})
	}
	asking.Wait()
	return all
}

func shellRow(node fleet.Node, s live.Shell) templates.ShellRow {
	return templates.ShellRow{
		Node: node.Name, Short: hop.ShortName(node.Host), Reachable: node.Status == fleet.Alive,
		Shell:   templates.Shell{ID: s.ID, Kind: s.Kind, Title: s.Title, Running: s.Running, Exit: live.ExitText(s.Exit)},
		Program: s.Program, Dir: s.Dir, Busy: s.Busy, Started: s.Started, Active: s.Active,
		Viewers: s.Viewers, Rows: s.Rows, Cols: s.Cols,
	}
}
