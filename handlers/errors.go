package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/fleet"
	"convoy/guide"
	"convoy/pty"
	"convoy/pty/cast"
	"convoy/templates"
)

// problem is an error that its reader can do something about: what is wrong, what to do, and the status that says so.
type problem struct {
	Status   int    `json:"-"`
	Text     string `json:"error"`
	Hint     string `json:"hint,omitempty"`
	Expected *int64 `json:"expected,omitempty"` // the number that a shell's input waits for

	RetryAfter int `json:"-"` // s; 0: nobody knows
}

func (p *problem) Error() string { return p.Text }

func badRequest(format string, args ...any) error {
	return &problem{
		Status: http.StatusBadRequest,
		Text:   fmt.Sprintf(format, args...),
		Hint:   "docs/protocol.md describes every request",
	}
}

var errGone = &problem{Status: http.StatusNotFound, Text: "no such stream", Hint: "it has ended; open a new one"}

// problemOf turns any error into what its reader is told. It is the only place where errors become statuses.
func problemOf(err error) *problem {
	var p *problem
	var gap *pty.GapError
	var unconfined *UnconfinedError
	var tooLarge *http.MaxBytesError
	var early *tooManyTries
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, access.ErrUserLimit):
		return overShare("requests of this kind").(*problem)
	case errors.Is(err, access.ErrBusy):
		return boundProblem(access.ErrBusy, "requests of this kind").(*problem)
	case errors.As(err, &early):
		return early.problem()
	case errors.As(err, &gap):
		return &problem{
			Status:   http.StatusConflict,
			Text:     "earlier input is missing",
			Hint:     fmt.Sprintf("send number %d first", gap.Expected),
			Expected: &gap.Expected,
		}
	case errors.As(err, &tooLarge):
		return &problem{
			Status: http.StatusRequestEntityTooLarge,
			Text:   fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit),
			Hint:   "split it",
		}
	case isFileError(err):
		return fileProblem(err)
	case errors.Is(err, fleet.ErrNotFound):
		return &problem{Status: http.StatusNotFound, Text: err.Error(), Hint: "GET /nodes lists the nodes"}
	case errors.Is(err, fleet.ErrFull):
		return &problem{
			Status: http.StatusConflict,
			Text:   err.Error(),
			Hint:   "retire a node first, or start Convoy with a higher -max-nodes",
		}
	case errors.Is(err, fleet.ErrNotRetirable):
		return &problem{
			Status: http.StatusForbidden,
			Text:   err.Error(),
			Hint:   "you can retire only nodes that this Convoy created",
		}
	case errors.Is(err, fleet.ErrUnavailable):
		return &problem{
			Status: http.StatusServiceUnavailable,
			Text:   err.Error(),
			Hint:   "see docs/railway.md for the settings, or run convoy railway check",
		}
	case errors.Is(err, fleet.ErrNoProvider), errors.Is(err, fleet.ErrClosed):
		return &problem{
			Status: http.StatusServiceUnavailable,
			Text:   err.Error(),
			Hint:   "use the console of the control plane",
		}
	case errors.Is(err, ErrNoSystemShell):
		return &problem{
			Status: http.StatusForbidden,
			Text:   ErrNoSystemShell.Error(),
			Hint:   "the node was started with -system-shell off",
		}
	case errors.As(err, &unconfined):
		return &problem{
			Status: http.StatusForbidden,
			Text:   unconfined.Error(),
			Hint:   "docs/security.md lists the requirements; -confine off allows system shells without them",
		}
	case errors.Is(err, guide.ErrNoRunbook):
		return &problem{Status: http.StatusNotFound, Text: "there is no such runbook", Hint: "/runbooks lists them"}
	case errors.Is(err, guide.ErrLarge), errors.Is(err, guide.ErrTooSlow):
		return &problem{Status: http.StatusUnprocessableEntity, Text: err.Error(), Hint: "split it into several runbooks"}
	case errors.Is(err, pty.ErrNotFound):
		return &problem{
			Status: http.StatusNotFound,
			Text:   err.Error(),
			Hint:   "it was closed; GET /nodes/{node}/shells lists the shells",
		}
	case errors.Is(err, pty.ErrEnded):
		return &problem{Status: http.StatusConflict, Text: "the shell has ended", Hint: "open another one"}
	case errors.Is(err, pty.ErrKind):
		return &problem{
			Status: http.StatusConflict,
			Text:   "this node has no shells of that kind",
			Hint:   "the kinds are convoy and system; a node started with -system-shell off has no system shells",
		}
	case errors.Is(err, pty.ErrFull):
		return &problem{Status: http.StatusTooManyRequests, Text: err.Error(), Hint: "close a shell first"}
	case errors.Is(err, pty.ErrClosed):
		return &problem{Status: http.StatusServiceUnavailable, Text: "the node is stopping"}
	case errors.Is(err, pty.ErrRecorded):
		return &problem{Status: http.StatusConflict, Text: pty.ErrRecorded.Error(), Hint: "stop that recording first"}
	case errors.Is(err, pty.ErrNotRecorded):
		return &problem{
			Status: http.StatusConflict,
			Text:   pty.ErrNotRecorded.Error(),
			Hint:   "POST to the same address starts a recording",
		}
	case errors.Is(err, pty.ErrPolicy):
		return &problem{
			Status: http.StatusForbidden,
			Text:   pty.ErrPolicy.Error(),
			Hint:   "the node was started with -record all",
		}
	case errors.Is(err, cast.ErrNotFound):
		return &problem{
			Status: http.StatusNotFound,
			Text:   err.Error(),
			Hint:   "it was deleted, or removed to make room; GET /nodes/{node}/recordings lists the recordings",
		}
	case errors.Is(err, cast.ErrRecording):
		return &problem{Status: http.StatusConflict, Text: cast.ErrRecording.Error(), Hint: "stop the recording first"}
	case errors.Is(err, cast.ErrFull):
		return &problem{
			Status: http.StatusInsufficientStorage,
			Text:   err.Error(),
			Hint:   "stop other recordings, or start Convoy with a higher -recordings-max",
		}
	case errors.Is(err, cast.ErrNoDir):
		return &problem{
			Status: http.StatusServiceUnavailable,
			Text:   cast.ErrNoDir.Error(),
			Hint:   "start Convoy with -recordings",
		}
	case errors.Is(err, pty.ErrViewOnly):
		return &problem{Status: http.StatusForbidden, Text: "this viewer is view-only", Hint: "ask for the right to type"}
	case errors.Is(err, pty.ErrPinned):
		return &problem{
			Status: http.StatusConflict,
			Text:   "a viewer has pinned the size",
			Hint:   "wait until that viewer unpins it, or leaves",
		}
	case errors.Is(err, pty.ErrBadOffset), errors.Is(err, pty.ErrBadSize), errors.Is(err, pty.ErrBadClaim):
		return badRequest("%v", err).(*problem)
	case errors.Is(err, context.DeadlineExceeded):
		return &problem{Status: http.StatusGatewayTimeout, Text: "the request timed out", Hint: "try again"}
	}
	return &problem{Status: http.StatusInternalServerError, Text: "something went wrong", Hint: "see the node's log"}
}

// handler answers a request or says why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// do makes an http.HandlerFunc of a handler: its error is answered, and logged if it is ours.
func (h *Handlers) do(fn handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			h.fail(w, r, err)
		}
	}
}

// fail answers an error: a page for browsers, the notice partial for htmx, JSON for everybody else. Where the client
// has gone there is nobody to tell. An answer that has begun cannot become another one: its connection is closed, so
// that the client sees that the rest is missing.
func (h *Handlers) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	if hasBegun(w) {
		h.Log.Debug("answer cut short", "method", r.Method, "route", routeOf(r), "err", err)
		panic(http.ErrAbortHandler)
	}
	p := problemOf(err)
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusInternalServerError {
		h.logFailure(r, err)
	}
	switch {
	case r.Header.Get("HX-Request") != "":
		w.Header().Set("HX-Retarget", "#notices")
		w.Header().Set("HX-Reswap", "beforeend")
		err = h.set.Render(
			w,
			p.Status,
			"notice",
			templates.Notice{Level: "error", Text: sentence(p.Text), Hint: sentence(p.Hint)},
		)
	case wantsHTML(r):
		err = h.set.Render(
			w,
			p.Status,
			"error",
			templates.Error{Page: h.page(r, "Error"), Status: p.Status, Text: sentence(p.Text), Hint: sentence(p.Hint)},
		)
	default:
		err = writeJSON(w, p.Status, p)
	}
	if err != nil {
		h.Log.Debug("answer not sent", "err", err)
	}
}

func (h *Handlers) logFailure(r *http.Request, err error) {
	h.Log.Error("request failed", "method", r.Method, "route", routeOf(r), "err", err)
}

// sentence makes a line of text of an error's: a capital and a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}

// wantsHTML reports whether a browser asks for a page; everything else gets JSON.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// routeOf is a request's route for the log, without what the request has put into it: the token of a share link opens a
// shell to whoever reads it.
func routeOf(r *http.Request) string {
	if at := chi.RouteContext(r.Context()); at != nil {
		return at.RoutePattern()
	}
	return ""
}

// writeJSON answers v. Pages with a fleet's state are never kept by caches.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(append(body, '\n'))
	return err
}

func notFound(http.ResponseWriter, *http.Request) error {
	return &problem{Status: http.StatusNotFound, Text: "there is nothing here", Hint: "the console is at /"}
}

func methodNotAllowed(_ http.ResponseWriter, r *http.Request) error {
	return &problem{
		Status: http.StatusMethodNotAllowed,
		Text:   fmt.Sprintf("method %s is not allowed here", r.Method),
		Hint:   "docs/protocol.md lists the requests",
	}
}

// recover turns a panic in a handler into a 500: one bad request must not end the shells of all.
func (h *Handlers) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = &begunWriter{ResponseWriter: w}
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler {
					panic(v)
				}
				err := fmt.Errorf("panic: %v", v)
				if hasBegun(w) {
					h.logFailure(r, err)
				}
				h.fail(w, r, err)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
