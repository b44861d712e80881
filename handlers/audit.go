package handlers

import (
	"context"
	"net/http"
	"slices"

	"convoy/audit"
	"convoy/fleet"
	"convoy/handlers/hop"
	"convoy/handlers/web"
	"convoy/templates"
)

const (
	// auditShown is how many entries a page shows, of all nodes together.
	auditShown = 300
	// auditRefusals is how many refused logins each node adds, so that strangers cannot push other entries out.
	auditRefusals = 50
)

// GET /nodes/{node}/audit
func (h *Handlers) listAudit(w http.ResponseWriter, _ *http.Request) error {
	return web.WriteJSON(w, http.StatusOK, h.ownAudit())
}

// ownAudit are this node's newest entries, the newest first.
func (h *Handlers) ownAudit() []audit.Entry {
	if h.sessions.Audit == nil {
		return []audit.Entry{}
	}
	h.sessions.FlushFailures()
	refused := 0
	return slices.Concat([]audit.Entry{}, h.sessions.Audit.Tail(auditShown, func(e audit.Entry) bool {
		if e.Action == "login" && e.Result == audit.Refused {
			refused++
		}
		return e.Action != "login" || e.Result != audit.Refused || refused <= auditRefusals
	}))
}

// GET /audit
func (h *Handlers) showAudit(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), listWait)
	defer cancel()
	view := templates.Audit{Page: h.page(r, "Audit log"), Kept: h.sessions.Audit != nil}
	entries, mute := h.allAudit(ctx)
	if h.sessions.Audit != nil {
		view.Since = h.sessions.Audit.Since()
	}
	view.Silent = silentView(mute)
	for _, e := range entries {
		view.Rows = append(view.Rows, templates.AuditRow{
			Time: e.Time, Node: hop.ShortName(e.Node), User: e.User, Role: e.Role, Addr: e.Addr,
			Action: e.Action, Target: e.Target, Result: e.Result, Detail: e.Detail,
		})
	}
	return h.site.Render(w, http.StatusOK, "audit", view)
}

// allAudit are the newest entries of all nodes, the newest first, and the nodes that do not answer.
func (h *Handlers) allAudit(ctx context.Context) ([]audit.Entry, []silent) {
	entries, mute := gather(h.live.Overview().Nodes, func(node fleet.Node) ([]audit.Entry, error) {
		if node.Status != fleet.Alive {
			return nil, nil
		}
		return h.auditOf(ctx, node.Name)
	})
	slices.SortStableFunc(entries, func(a, b audit.Entry) int { return b.Time.Compare(a.Time) })
	return entries[:min(len(entries), auditShown)], mute
}

func (h *Handlers) auditOf(ctx context.Context, node string) (list []audit.Entry, err error) {
	if node == h.Self {
		return h.ownAudit(), nil
	}
	err = h.nodes.GetJSON(ctx, node, "/audit", &list)
	return list, err
}
