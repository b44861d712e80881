package railway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Code is the kind of an [Error].
type Code string

// The kinds of errors.
const (
	Unauthorized  Code = "unauthorized"   // bad token, no access, or a wrong id: Railway does not distinguish them
	TwoFactor     Code = "two-factor"     // the workspace requires two-factor authentication
	NameTaken     Code = "name-taken"     // a service with that name exists
	NotFound      Code = "not-found"      // the requested object does not exist
	RateLimited   Code = "rate-limited"   // nothing was done; RetryAfter is when to retry
	Unavailable   Code = "unavailable"    // no answer, or not Railway's: the operation may have taken effect
	Refused       Code = "refused"        // any other error of Railway, final
	InvalidFormat Code = "invalid-format" // the operation does not fit Railway's schema
)

// Errors for errors.Is.
var (
	ErrNotOurs  = errors.New("service was not created by this Convoy")
	ErrSelf     = errors.New("this is the service that Convoy itself runs in")
	ErrVanished = errors.New("its service was deleted on Railway")
	ErrUnknown  = errors.New("no such service")
)

const (
	maxMessageBytes = 500
	maxTraceBytes   = 80
)

// Error is an error from Railway or from the connection to it. Its text can be shown to users; it never contains a
// token.
type Error struct {
	Operation  string // as in operations.graphql
	Code       Code
	Status     int    // HTTP status; 0: no answer
	Message    string // Railway's message
	TraceID    string // for Railway's support
	RetryAfter time.Duration
	cause      error
}

// Error describes the operation and the answer.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "railway %s: %s", e.Operation, e.Message)
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; try again in %s", e.RetryAfter.Round(time.Second))
	}
	if e.TraceID != "" {
		fmt.Fprintf(&b, " [trace %s]", e.TraceID)
	}
	return b.String()
}

// Unwrap returns the transport's error, if any.
func (e *Error) Unwrap() error { return e.cause }

// Ambiguous reports whether the operation may have taken effect.
func (e *Error) Ambiguous() bool { return e.Code == Unavailable }

// is reports whether err is an Error of one of these kinds.
func is(err error, codes ...Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(codes, e.Code)
}

// wireError is an error in a response.
type wireError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code          string `json:"code"`
		TraceID       string `json:"traceId"`
		WorkspaceName string `json:"workspaceName"`
	} `json:"extensions"`
}

// failure converts the errors of a response. The first one counts.
func (c *client) failure(op string, status int, list []wireError) error {
	first := list[0]
	e := &Error{Operation: op, Status: status, TraceID: truncate(c.redact(first.Extensions.TraceID), maxTraceBytes),
		Message: cmp.Or(truncate(c.redact(first.Message), maxMessageBytes), "refused without a reason"),
		Code:    codeOf(status, first)}
	if e.Code == RateLimited {
		e.RetryAfter = c.budget.startPause()
	}
	return e
}

// codeOf classifies errors by their text: Railway has no codes for most of them.
func codeOf(status int, e wireError) Code {
	words := strings.ToLower(e.Message)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(words, part) })
	}
	switch {
	case status == http.StatusTooManyRequests || has("rate limit", "too many requests"):
		return RateLimited
	case status >= http.StatusInternalServerError:
		return Unavailable
	case e.Extensions.Code == "GRAPHQL_VALIDATION_FAILED" || e.Extensions.Code == "BAD_USER_INPUT" &&
		status == http.StatusBadRequest:
		return InvalidFormat
	case has("two factor authentication required"):
		return TwoFactor
	case has("not authorized", "unauthorized", "project token not found", "forbidden"):
		return Unauthorized
	case has("already exists", "unique", "already taken"):
		return NameTaken
	case has("not found"):
		return NotFound
	default:
		return Refused
	}
}

// truncate joins text into one line of at most n bytes, without splitting characters.
func truncate(text string, n int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
