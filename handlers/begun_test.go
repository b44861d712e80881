package handlers

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/internal/testkit"
)

// broken is the connection of a client that has gone: it counts the headers that it is given.
type broken struct {
	header  http.Header
	headers []int
}

func (b *broken) Header() http.Header { return b.header }

func (b *broken) WriteHeader(status int) {
	if status >= http.StatusOK {
		b.headers = append(b.headers, status)
	}
}

func (b *broken) Write([]byte) (int, error) {
	if len(b.headers) == 0 {
		b.WriteHeader(http.StatusOK)
	}
	return 0, io.ErrClosedPipe
}

func (b *broken) Flush() {}

// Whatever route a client asks, and goes away from while it is answered, gives one answer and no second one, and the
// node's log has no failure of ours.
func TestBegun_OneAnswerByEachRoute(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	header := n.as("ann", access.Admin)[0]
	name, value, _ := strings.Cut(header, ": ")
	asked := 0
	walk := func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if method != http.MethodGet {
			return nil
		}
		path := strings.NewReplacer("{node}", self, "{shell}", s.ID, "*", "css/base.css").Replace(route)
		for kind, accept := range map[string][2]string{"a script": {"Accept", "application/json"},
			"a page": {"Accept", "text/html"}, "htmx": {"HX-Request", "true"}} {
			r := httptest.NewRequestWithContext(testkit.Context(t), method, path+"?viewer=viewer-that-goes-1", nil)
			r.Host = "localhost"
			r.Header.Set(name, value)
			r.Header.Set(accept[0], accept[1])
			w := &broken{header: http.Header{}}
			func() {
				defer func() {
					if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
						t.Errorf("%s for %s: panic: %v", path, kind, v)
					}
				}()
				n.public.ServeHTTP(w, r)
			}()
			if len(w.headers) > 1 {
				t.Errorf("%s for %s is answered more than once: %v", path, kind, w.headers)
			}
			asked += len(w.headers)
		}
		return nil
	}
	testkit.Must(t, chi.Walk(n.publicRoutes().(chi.Router), walk))
	if asked < 60 {
		t.Errorf("%d answers began", asked)
	}
	lines := n.Logs.Tail(2000)
	for _, line := range lines {
		if line.Message == "request failed" {
			t.Errorf("the log says: %v", line)
		}
	}
}

// An answer that fails half-way is cut: the client sees that it is not whole, nothing of another answer is in it, and
// the server has no second header to complain of. Only what is our fault is in the log.
func TestBegun_IsCut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ends  func() error
		fault bool
	}{
		"an error": {ends: func() error { return errors.New("half-way") }},
		"a panic":  {ends: func() error { panic("half-way") }, fault: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t, "/bin/cat")
			var said logged
			half := n.site.Handle(func(w http.ResponseWriter, _ *http.Request) error {
				io.WriteString(w, "the first half") //nolint:errcheck // the client tells
				testkit.Must(t, http.NewResponseController(w).Flush())
				return test.ends()
			})
			server := httptest.NewUnstartedServer(n.site.Pace(n.site.Recover(half)))
			server.Config.ErrorLog = log.New(&said, "", 0)
			server.Start()
			defer server.Close()
			answer, err := http.Get(server.URL)
			testkit.Must(t, err)
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if answer.StatusCode != http.StatusOK || string(body) != "the first half" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s %q, %v", answer.Status, body, err)
			}
			server.Close()
			if text := said.String(); text != "" {
				t.Errorf("the server says: %s", text)
			}
			lines := n.Logs.Tail(2000)
			if got := strings.Contains(fmt.Sprint(lines), "half-way"); got != test.fault {
				t.Errorf("in the node's log: %v, want %v", got, test.fault)
			}
		})
	}
}

// logged is what a server complains of.
type logged struct {
	mu sync.Mutex
	strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(b)
}
