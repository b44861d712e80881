// Package web is what all of Convoy's HTTP handlers share: errors that people can act on, and their form for browsers,
// htmx and scripts; decoding and encoding; deadlines; the origin of a request; security headers. It knows no logins and
// no shells.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/templates"
)

// Handler responds to a request, or returns the error with which [Site.Handle] responds.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Site is one console: how requests reach it, and how it responds. Set the fields before it serves.
type Site struct {
	// BasePath is the path prefix under which a proxy serves the console, such as /convoy; "": none.
	BasePath string
	Hosts    []string // names that it has, besides localhost and IP addresses
	HSTS     bool     // browsers must use TLS from now on (RFC 6797)
	Proxies  Proxies
	// BodyWait limits the time for a whole request body, WriteWait the time in which a client takes one piece of an
	// answer.
	BodyWait, WriteWait time.Duration

	Templates *templates.Set
	// Page describes a page of that title to its template.
	Page func(r *http.Request, title string) templates.Page
	// Known returns the response for a domain error, or nil.
	Known func(error) *Error
	Log   *slog.Logger
}

// Explain turns any error into the one that its reader gets.
func (s *Site) Explain(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return NewError(http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit), "split it")
	}
	if e := s.Known(err); e != nil {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return NewError(http.StatusGatewayTimeout, "the request timed out", "try again")
	}
	return NewError(http.StatusInternalServerError, "something went wrong", "see the node's log")
}

// errStopping is the error of requests that end with the node. Without it they would seem to have succeeded.
var errStopping = NewError(http.StatusServiceUnavailable, "the node is stopping", "try again")

// Handle returns an http.HandlerFunc that responds with fn's errors.
func (s *Site) Handle(fn Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			s.Fail(w, r, err)
		}
	}
}

// Fail writes the response for an error: a page for browsers, a notice for htmx, else JSON. A response that has begun
// cannot be replaced: Fail aborts its connection, so that the client sees that the rest is missing.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		err = errStopping // or the client has gone, and does not read this
	}
	if hasBegun(w) {
		s.Log.Debug("answer cut short", "method", r.Method, "route", routeOf(r), "err", err)
		panic(http.ErrAbortHandler)
	}
	e := s.Explain(err)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	if e.Status == http.StatusInternalServerError {
		s.logFailure(r, err)
	}
	text, hint := Sentence(e.Text), Sentence(e.Hint)
	shown := e.Status
	if shown != http.StatusUnauthorized && shown != http.StatusInternalServerError {
		shown = http.StatusOK // the page shows it; with another status, the browser's console would have an error, too
	}
	switch {
	case IsHTMX(r) && e.Ask != nil:
		w.Header().Set("HX-Retarget", "#asked")
		w.Header().Set("HX-Reswap", "innerHTML")
		sure := r.URL.EscapedPath() + "?sure=1"
		err = s.Render(w, shown, "question", templates.Question{
			Title: e.Ask.Title, Text: e.Text + ".", Yes: e.Ask.Yes, Method: r.Method, Path: sure,
		})
	case IsHTMX(r):
		w.Header().Set("HX-Retarget", "#notices")
		w.Header().Set("HX-Reswap", "beforeend")
		err = s.Render(w, shown, "notice", templates.Notice{Level: "error", Text: text, Hint: hint})
	case WantsHTML(r):
		page := templates.Error{Page: s.Page(r, "Error"), Status: e.Status, Text: text, Hint: hint}
		err = s.Render(w, e.Status, "error", page)
	default:
		err = WriteJSON(w, e.Status, e)
	}
	if err != nil {
		s.Log.Debug("answer not sent", "err", err)
	}
}

// Render responds with a template.
func (s *Site) Render(w http.ResponseWriter, status int, name string, view any) error {
	return s.Templates.Render(w, status, name, view)
}

func (s *Site) logFailure(r *http.Request, err error) {
	s.Log.Error("request failed", "method", r.Method, "route", routeOf(r), "err", err)
}

// Recover responds to a panic in a handler with 500: one bad request must not end everyone's shells.
func (s *Site) Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if exchangeOf(w) == nil { // of another node
			w = newExchange(w)
		}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			err := fmt.Errorf("panic: %v", v)
			if hasBegun(w) {
				s.logFailure(r, err)
			}
			s.Fail(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

// IsHTMX reports whether htmx sent a request; it gets a part of a page.
func IsHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") != "" }

// WantsHTML reports whether a browser asks for a page; everything else gets JSON.
func WantsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// routeOf is a request's route for the log, without its parameters: the token of a share link opens a shell to anyone
// who reads it.
func routeOf(r *http.Request) string {
	if at := chi.RouteContext(r.Context()); at != nil {
		return at.RoutePattern()
	}
	return ""
}
