package web

import (
	"context"
	"net/http"
	"time"
)

// exchange is a request and its response, as all layers of a [Site] see it. They share one, because a writer, a context
// and a copy of the request for each layer took longer than everything else that a key needs.
type exchange struct {
	http.ResponseWriter
	control http.ResponseController
	begun   bool // the response: from then on it cannot become another one

	wait     time.Duration // for each piece of the response; 0: its layer sets no deadlines
	own      Deadlines     // until something else sets them
	extended time.Time     // when the deadline was last set; guarded by own
	body     pacedBody

	found notes
}

// notes are what the layers found out about a request.
type notes struct {
	origin Origin // zero: nothing
	nonce  string
}

type notesKey struct{}

// notesOf are the notes about a request, or nil.
func notesOf(r *http.Request) *notes {
	n, _ := r.Context().Value(notesKey{}).(*notes)
	return n
}

// with is the request with such notes.
func (n *notes) with(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), notesKey{}, n))
}

// noted is the request with its notes, which may be new.
func noted(r *http.Request) (*http.Request, *notes) {
	if n := notesOf(r); n != nil {
		return r, n
	}
	n := &notes{}
	return n.with(r), n
}

func newExchange(w http.ResponseWriter) *exchange {
	return &exchange{ResponseWriter: w, control: *http.NewResponseController(w)}
}

// exchangeOf returns the exchange that a writer belongs to, or nil.
func exchangeOf(w http.ResponseWriter) *exchange {
	for {
		if x, ok := w.(*exchange); ok {
			return x
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = inner.Unwrap()
	}
}

func (x *exchange) WriteHeader(status int) {
	x.begun = x.begun || status >= http.StatusOK
	x.extend()
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(b []byte) (int, error) {
	x.begun = true
	x.extend()
	return x.ResponseWriter.Write(b)
}

// FlushError is for http.ResponseController: a flush sends the header.
func (x *exchange) FlushError() error {
	x.begun = true
	return x.control.Flush()
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// hasBegun reports whether any part of a response was written.
func hasBegun(w http.ResponseWriter) bool {
	x := exchangeOf(w)
	return x != nil && x.begun
}
