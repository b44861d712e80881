package session

import (
	"context"
	"net/http"
	"sync"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/audit"
	"convoy/handlers/web"
)

// Recorded writes a request and its result into the audit log, also if its response is cut off. Each node that has a
// part in it does so: the console that was asked, and the node that serves it. A HEAD gets nothing, and is not
// recorded.
func (m *Manager) Recorded(action string, fn web.Handler) web.Handler {
	return m.recorded(action, fn, m.Record)
}

// RecordedSoon is Recorded, except that the answer does not wait until the entry is safely on disk.
func (m *Manager) RecordedSoon(action string, fn web.Handler) web.Handler {
	return m.recorded(action, fn, m.RecordSoon)
}

func (m *Manager) recorded(action string, fn web.Handler, record func(audit.Entry)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		if r.Method == http.MethodHead {
			return fn(w, r)
		}
		about := &description{}
		r = r.WithContext(context.WithValue(r.Context(), descriptionKey{}, about))
		seen := &statusWriter{ResponseWriter: w}
		err = errCutOff // unless fn returns
		defer func() { record(m.result(r, action, about, seen.status, err)) }()
		err = fn(seen, r)
		return err
	}
}

// errCutOff is the result of a request that panics, as with http.ErrAbortHandler.
var errCutOff = &web.Error{Status: http.StatusInternalServerError, Text: "the answer was cut off"}

// result is the entry of a request that has been handled.
func (m *Manager) result(r *http.Request, action string, about *description, status int, err error) audit.Entry {
	e := m.entry(Of(r), ClientAddr(r), action)
	e.Target = targetOf(r)
	about.fill(&e)
	if err != nil {
		shown := m.Site.Explain(err)
		status = shown.Status
		e.Detail = join(e.Detail, shown.Text)
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Result = audit.Refused
	case status >= http.StatusBadRequest:
		e.Result = audit.Failed
	}
	return e
}

// entry is an audit entry about this node, of a successful action.
func (m *Manager) entry(s Session, addr, action string) audit.Entry {
	return audit.Entry{
		Node: m.Self, User: s.User, Role: s.RoleName(), Addr: addr, Action: action, Target: m.Self, Result: audit.OK,
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

// targetOf is what a request is about: the node, and what the path names on it.
func targetOf(r *http.Request) string {
	target, err := web.NodeName(r)
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

type descriptionKey struct{}

// description is what a handler adds to the audit entry of its request.
type description struct {
	mu             sync.Mutex
	target, detail string
}

// Describe sets the target and the details of the current request's audit entry. An empty target leaves the one in the
// path.
func Describe(ctx context.Context, target, detail string) {
	if d, ok := ctx.Value(descriptionKey{}).(*description); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.target, d.detail = target, detail
	}
}

func (d *description) fill(e *audit.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.target != "" {
		e.Target = d.target
	}
	e.Detail = d.detail
}

// statusWriter keeps the status of a response.
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

// recordLogin records a login, or that it failed. Names at a provider can change hands; its subject does not.
func (m *Manager) recordLogin(r *http.Request, s Session, result string) {
	e := m.entry(s, web.Addr(r), "login")
	e.Result = result
	if s.subject != "" {
		e.Detail = "sub " + s.subject
	}
	m.Record(e)
}

// Record writes an entry into the audit log. If that fails it logs the failure: the action has been done.
func (m *Manager) Record(e audit.Entry) {
	if m.Audit == nil {
		return
	}
	if _, err := m.Audit.Append(e); err != nil {
		m.notRecorded(e, err)
	}
}

// RecordSoon is Record without waiting until the entry is safely on disk. Entries keep their order.
func (m *Manager) RecordSoon(e audit.Entry) {
	if m.Audit != nil {
		m.Audit.AppendSoon(e, func(err error) { m.notRecorded(e, err) })
	}
}

func (m *Manager) notRecorded(e audit.Entry, err error) {
	m.Log.Error("not in the audit log", "action", e.Action, "user", e.User, "err", err)
}

// RecordAttached records that the user of ctx begins to view a shell of this node. A resumed view is not recorded.
func (m *Manager) RecordAttached(ctx context.Context, shell string, types bool) {
	s := From(ctx)
	if s.Role == access.Nobody {
		return
	}
	how := "watches"
	if types {
		how = "types"
	}
	e := m.entry(s, s.addr, "shell.attach")
	e.Target, e.Detail = m.Self+"/"+shell, how
	m.RecordSoon(e) // the viewer waits for the screen
}
