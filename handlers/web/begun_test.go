package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An answer has begun with its header, its first byte or a flush, and not with a hint that comes before it.
func TestBegun_With(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do   func(w http.ResponseWriter)
		want bool
	}{
		"nothing": {do: func(http.ResponseWriter) {}},
		"a hint":  {do: func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) }},
		"header":  {do: func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }, want: true},
		"a byte":  {do: func(w http.ResponseWriter) { w.Write([]byte("x")) }, want: true},
		"a flush": {do: func(w http.ResponseWriter) { http.NewResponseController(w).Flush() }, want: true},
	} {
		w := layer{newExchange(httptest.NewRecorder())}
		if test.do(w); hasBegun(w) != test.want {
			t.Errorf("after %s an answer has begun: %v, want %v", name, !test.want, test.want)
		}
	}
}

// layer is a writer around another.
type layer struct{ http.ResponseWriter }

func (l layer) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// A request that ends with the node does not seem to have succeeded.
func TestFail_Stopping(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &Site{}
	handle := s.Handle(func(http.ResponseWriter, *http.Request) error {
		cancel()
		return fmt.Errorf("write: %w", ctx.Err())
	})
	w := httptest.NewRecorder()
	handle(w, httptest.NewRequestWithContext(ctx, "POST", "/", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "the node is stopping") {
		t.Errorf("%d %s, want 503 and the reason", w.Code, w.Body)
	}
}
