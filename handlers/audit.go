package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"convoy/audit"
	"convoy/fleet"
	"convoy/handlers/web"
	"convoy/templates"
)

const (
	// auditShown is how many entries a page shows, of all nodes together.
	auditShown = 300
	// auditRefusals is how many refused logins each node adds, so that strangers cannot push other entries out.
	auditRefusals = 50
)

// auditQuery chooses entries: words, each of which an entry contains, and a result; empty ones choose all.
type auditQuery struct{ words, result string }

// maxAuditWords is how long the words of a query may be, in bytes.
const maxAuditWords = 200

func readAuditQuery(r *http.Request) auditQuery {
	words := r.URL.Query().Get("q")
	return auditQuery{words[:min(len(words), maxAuditWords)], r.URL.Query().Get("result")}
}

// matches reports whether an entry is chosen.
func (q auditQuery) matches(e audit.Entry) bool {
	text := strings.ToLower(strings.Join(
		[]string{e.Node, e.User, e.Role, e.Addr, e.Action, e.Target, e.Result, e.Detail}, " ",
	))
	for word := range strings.FieldsSeq(strings.ToLower(q.words)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return q.result == "" || q.result == e.Result
}

// GET /nodes/{node}/audit
func (h *Handlers) listAudit(w http.ResponseWriter, r *http.Request) error {
	return web.WriteJSON(w, http.StatusOK, h.ownAudit(readAuditQuery(r)))
}

// ownAudit are this node's newest entries of a query, the newest first.
func (h *Handlers) ownAudit(q auditQuery) []audit.Entry {
	if h.sessions.Audit == nil {
		return []audit.Entry{}
	}
	h.sessions.FlushFailures()
	refused := 0
	return slices.Concat([]audit.Entry{}, h.sessions.Audit.Tail(auditShown, func(e audit.Entry) bool {
		if !q.matches(e) {
			return false
		}
		if e.Action == "login" && e.Result == audit.Refused {
			refused++
			return refused <= auditRefusals
		}
		return true
	}))
}

// GET /audit
func (h *Handlers) showAudit(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), listWait)
	defer cancel()
	q := readAuditQuery(r)
	view := templates.Audit{
		Page: h.page(r, "Audit log"), Kept: h.sessions.Audit != nil,
		Query: q.words, Result: q.result, Results: []string{audit.OK, audit.Refused, audit.Failed},
	}
	entries, mute := h.allAudit(ctx, q)
	if h.sessions.Audit != nil {
		view.Since = h.sessions.Audit.Since()
	}
	view.Silent = mute
	for _, e := range entries {
		view.Rows = append(view.Rows, templates.AuditRow{
			Time: e.Time, Node: templates.ShortName(e.Node), User: e.User, Role: e.Role, Addr: e.Addr,
			Action: e.Action, Target: e.Target, Result: e.Result, Detail: e.Detail,
		})
	}
	return h.site.Render(w, http.StatusOK, "audit", view)
}

// allAudit are the newest entries of all nodes, the newest first, and the nodes that do not answer.
func (h *Handlers) allAudit(ctx context.Context, q auditQuery) ([]audit.Entry, []templates.Silent) {
	entries, mute := gather(h.live.Overview().Nodes, func(node fleet.Node) ([]audit.Entry, error) {
		if node.Status != fleet.Alive {
			return nil, nil
		}
		return h.auditOf(ctx, node.Name, q)
	})
	slices.SortStableFunc(entries, func(a, b audit.Entry) int { return b.Time.Compare(a.Time) })
	return entries[:min(len(entries), auditShown)], mute
}

func (h *Handlers) auditOf(ctx context.Context, node string, q auditQuery) (list []audit.Entry, err error) {
	if node == h.Self {
		return h.ownAudit(q), nil
	}
	query := url.Values{"q": {q.words}, "result": {q.result}}
	err = h.nodes.GetJSON(ctx, node, "/audit?"+query.Encode(), &list)
	return list, err
}
