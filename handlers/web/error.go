package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// Error is an error that its reader can act on: what is wrong, what to do, and the status.
type Error struct {
	Status   int    `json:"-"`
	Text     string `json:"error"`
	Hint     string `json:"hint,omitempty"`
	Expected *int64 `json:"expected,omitempty"` // the number that a shell's input waits for

	RetryAfter int `json:"-"` // s; 0: unknown

	// Ask is what a page asks its user; the same request with sure=1 is the answer yes. nil: nothing.
	Ask *Question `json:"ask,omitempty"`
}

// Question is a question before something is done that cannot be undone. The error's text is the reason.
type Question struct {
	Title string `json:"title"`
	Yes   string `json:"yes"` // the verb
}

func (e *Error) Error() string { return e.Text }

// NewError makes an error of a status, what is wrong, and what to do.
func NewError(status int, text, hint string) *Error {
	return &Error{Status: status, Text: text, Hint: hint}
}

// BadRequest is a 400.
func BadRequest(format string, args ...any) error {
	return NewError(http.StatusBadRequest, fmt.Sprintf(format, args...), "docs/protocol.md describes every request")
}

var (
	// ErrSlowBody is the 408 of a body that does not arrive in time.
	ErrSlowBody = NewError(http.StatusRequestTimeout, "the body did not arrive in time", "send it again")
	// ErrNotFound is the 404 of an unknown address.
	ErrNotFound = NewError(http.StatusNotFound, "there is nothing here", "the console is at /")

	errOtherSite = NewError(http.StatusForbidden, "this request came from another site", "use the console itself")
)

// NotFound handles requests without a route.
func NotFound(http.ResponseWriter, *http.Request) error { return ErrNotFound }

// MethodNotAllowed handles requests whose route has other methods, and lists those.
func MethodNotAllowed(w http.ResponseWriter, r *http.Request) error {
	at := chi.RouteContext(r.Context())
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		if !at.Routes.Match(chi.NewRouteContext(), method, cmp.Or(r.URL.RawPath, r.URL.Path)) {
			continue
		}
		w.Header().Add("Allow", method)
		if method == http.MethodGet {
			w.Header().Add("Allow", http.MethodHead)
		}
	}
	return NewError(http.StatusMethodNotAllowed,
		fmt.Sprintf("method %s is not allowed here", r.Method), "docs/protocol.md lists the requests")
}

// BadBody is the error of a body that cannot be decoded: too large, too slow, or not the JSON that the request takes.
// It is nil if err is.
func BadBody(err error) error {
	if err == nil {
		return nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || errors.Is(err, ErrSlowBody) {
		return err
	}
	return BadRequest("the body is not valid JSON for this request: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// Sentence turns an error's text into a sentence.
func Sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}
