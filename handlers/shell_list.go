package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"convoy/fleet"
	"convoy/templates"
)

const (
	listWait  = time.Second // for other nodes' shells as they are now
	listBytes = 1 << 20     // of one node's answer
)

// GET /shells
func (h *Handlers) listAllShells(w http.ResponseWriter, r *http.Request) error {
	defer h.feeds.use(r.Context())()
	nodes := h.overview().Nodes
	shells := h.shellsNow(r.Context(), nodes)
	if r.Header.Get("HX-Request") == "" {
		list := []shell{}
		for _, one := range shells {
			list = append(list, one...)
		}
		return writeJSON(w, http.StatusOK, list)
	}
	view := templates.ShellList{}
	for i, node := range nodes {
		for _, s := range shells[i] {
			view.Shells = append(view.Shells, shellRow(node, s))
		}
	}
	return h.set.Render(w, http.StatusOK, "shell_list", view)
}

// shellsNow are the shells of each node as they are now: what runs in them changes without news. A node that does not
// answer in time has those that were last heard of.
func (h *Handlers) shellsNow(ctx context.Context, nodes []fleet.Node) [][]shell {
	ctx, cancel := context.WithTimeout(ctx, listWait)
	defer cancel()
	all := make([][]shell, len(nodes))
	var asking sync.WaitGroup
	for i, node := range nodes {
		all[i] = h.shellsOf(node)
		if node.Name == h.Self || len(all[i]) == 0 || node.Status != fleet.Alive {
			continue
		}
		asking.Go(func() {
			if now, err := h.askShells(ctx, node.Name); err == nil {
				all[i] = now
			}
		})
	}
	asking.Wait()
	return all
}

// askShells asks another node for its shells.
func (h *Handlers) askShells(ctx context.Context, node string) (list []shell, err error) {
	err = h.askJSON(ctx, node, fmt.Sprintf("/nodes/%s/shells", url.PathEscape(node)), listBytes, &list)
	return list, err
}

func shellRow(node fleet.Node, s shell) templates.ShellRow {
	return templates.ShellRow{
		Node: node.Name, Short: shortName(node.Host), Reachable: node.Status == fleet.Alive,
		Shell:   templates.Shell{ID: s.ID, Kind: s.Kind, Title: s.Title, Running: s.Running, Exit: exitText(s.Exit)},
		Program: s.Program, Dir: s.Dir, Busy: s.Busy, Started: s.Started, Active: s.Active,
		Viewers: s.Viewers, Rows: s.Rows, Cols: s.Cols,
	}
}
