package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/audit"
	"convoy/fleet"
	"convoy/templates"
)

const (
	// auditShown is how many entries a page shows, of all nodes together.
	auditShown = 300
	// auditRefusals is how many of them may be refused logins, of each node: strangers must not push out what others did.
	auditRefusals = 50
	// maxAuditBytes bounds what another node says of its log.
	maxAuditBytes = 4 << 20
)

// audited notes what was asked and what came of it, on each node that has a part in it: the console that was asked, and
// the one that does it.
func (h *Handlers) audited(action string, fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		told := &telling{}
		r = r.WithContext(context.WithValue(r.Context(), tellingKey{}, told))
		seen := &statusWriter{ResponseWriter: w}
		err := fn(seen, r)
		h.note(r, action, told, seen.status, err)
		return err
	}
}

// note notes an action, by its answer.
func (h *Handlers) note(r *http.Request, action string, told *telling, status int, err error) {
	e := audit.Entry{
		Node:   h.Self,
		User:   sessionOf(r).User,
		Role:   roleName(sessionOf(r)),
		Addr:   h.clientOf(r),
		Action: action,
		Target: targetOf(r),
		Result: audit.OK,
	}
	told.fill(&e)
	if err != nil {
		p := problemOf(err)
		status = p.Status
		e.Detail = join(e.Detail, p.Text)
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Result = audit.Refused
	case status >= http.StatusBadRequest:
		e.Result = audit.Failed
	}
	h.append(e)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

// targetOf is what a request is about: the node, and what it names on it.
func targetOf(r *http.Request) string {
	target, err := nodeName(r)
	if err != nil {
		return ""
	}
	for _, part := range []string{"shell", "link", "recording"} {
		if name := chi.URLParam(r, part); name != "" {
			target += "/" + name
		}
	}
	return target
}

type tellingKey struct{}

// telling is what a handler says of the action beyond what the request says.
type telling struct {
	mu             sync.Mutex
	target, detail string
}

// tell says what an action is about, and more on it; an empty target leaves the request's own.
func tell(ctx context.Context, target, detail string) {
	if t, ok := ctx.Value(tellingKey{}).(*telling); ok {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.target, t.detail = target, detail
	}
}

func (t *telling) fill(e *audit.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.target != "" {
		e.Target = t.target
	}
	e.Detail = t.detail
}

// statusWriter keeps the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// GET /nodes/{node}/audit
func (h *Handlers) listAudit(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, h.ownAudit())
}

// ownAudit are this node's newest entries, the newest first.
func (h *Handlers) ownAudit() []audit.Entry {
	if h.Audit == nil {
		return []audit.Entry{}
	}
	h.refusals.flush()
	refused := 0
	return slices.Concat([]audit.Entry{}, h.Audit.Tail(auditShown, func(e audit.Entry) bool {
		if e.Action == "login" && e.Result == audit.Refused {
			refused++
		}
		return e.Action != "login" || e.Result != audit.Refused || refused <= auditRefusals
	}))
}

// GET /audit
func (h *Handlers) showAudit(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := contextWithTimeout(r, listWait)
	defer cancel()
	view := templates.Audit{Page: h.page(r, "Audit log"), Kept: h.Audit != nil}
	entries, silent := h.allAudit(ctx)
	if h.Audit != nil {
		view.Since = h.Audit.Since()
	}
	view.Silent = silent
	for _, e := range entries {
		view.Rows = append(
			view.Rows,
			templates.AuditRow{Time: e.Time, Node: shortName(hostOf(e.Node)), User: e.User, Role: e.Role, Addr: e.Addr,
				Action: e.Action, Target: e.Target, Result: e.Result, Detail: e.Detail},
		)
	}
	return h.set.Render(w, http.StatusOK, "audit", view)
}

// allAudit are the newest entries of all nodes, the newest first, and the nodes that do not answer.
func (h *Handlers) allAudit(ctx context.Context) (entries []audit.Entry, silent []templates.Silent) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, node := range h.overview().Nodes {
		if node.Status != fleet.Alive {
			continue
		}
		asking.Go(func() {
			list, err := h.auditOf(ctx, node.Name)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				silent = append(silent, templates.Silent{Short: shortName(node.Host), Reason: err.Error()})
			}
			entries = append(entries, list...)
		})
	}
	asking.Wait()
	slices.SortStableFunc(entries, func(a, b audit.Entry) int { return b.Time.Compare(a.Time) })
	return entries[:min(len(entries), auditShown)], silent
}

func (h *Handlers) auditOf(ctx context.Context, node string) (list []audit.Entry, err error) {
	if node == h.Self {
		return h.ownAudit(), nil
	}
	err = h.askJSON(ctx, node, fmt.Sprintf("/nodes/%s/audit", url.PathEscape(node)), maxAuditBytes, &list)
	return list, err
}

// noteLogin notes a login, or that it failed. Names at a provider may change hands; its sub does not.
func (h *Handlers) noteLogin(r *http.Request, s session, result string) {
	e := audit.Entry{
		Node:   h.Self,
		User:   s.User,
		Role:   roleName(s),
		Addr:   h.addrOf(r),
		Action: "login",
		Target: h.Self,
		Result: result,
	}
	if s.subject != "" {
		e.Detail = "sub " + s.subject
	}
	h.append(e)
}

// append writes an entry. What cannot be noted is said in the node's own log: it has been done by then.
func (h *Handlers) append(e audit.Entry) {
	if h.Audit == nil {
		return
	}
	if _, err := h.Audit.Append(e); err != nil {
		h.Log.Error("not in the audit log", "action", e.Action, "user", e.User, "err", err)
	}
}

// noteAttached notes that somebody begins to look at a shell. Going on after a break is no beginning.
func (h *Handlers) noteAttached(ctx context.Context, id string, types bool) {
	s := sessionFrom(ctx)
	if s.Role == access.Nobody {
		return
	}
	how := "watches"
	if types {
		how = "types"
	}
	h.append(
		audit.Entry{
			Node:   h.Self,
			User:   s.User,
			Role:   roleName(s),
			Addr:   s.addr,
			Action: "shell.attach",
			Target: h.Self + "/" + id,
			Result: audit.OK,
			Detail: how,
		},
	)
}
