package peer

import (
	"net/http"
	"testing"
	"time"

	"convoy/internal/testkit"
)

func (s *connSet) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// The end of an unused connection is no news about the other node. If it were, the node would be called, over a
// connection that is unused again: nodes at rest would keep connections to all others, and ping them.
func TestUnusedConnectionsEnd(t *testing.T) {
	t.Parallel()
	a, b := pair(t, sayName("b"))
	mustCall[string](t, a, b.self.Name, "node.self")
	called := a.roster.calledAt(b.Instance())
	if a.client.conns.count() != 1 {
		t.Fatalf("%d connections after a call", a.client.conns.count())
	}
	a.client.closeIdle()
	if n := a.client.conns.count(); n != 0 {
		t.Errorf("%d connections remain", n)
	}
	e, _ := a.roster.find(b.Instance())
	if e.checking || e.called != called {
		t.Error("the end of an unused connection led to another call")
	}
}

// A connection whose stream ends long after the last request began is closed as well.
func TestUnusedConnectionsEnd_AfterStream(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	a, b := pair(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		testkit.Must(t, http.NewResponseController(w).Flush())
		<-end
	}))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/stream", nil)
	testkit.Must(t, err)
	answer, err := a.Do(b.self.Name, r)
	testkit.Must(t, err)
	a.client.closeIdle()
	if a.client.conns.count() != 1 {
		t.Error("closed with a stream on it")
	}
	if !a.client.idle.Stop() {
		t.Error("the connection will not be looked at again")
	}
	close(end)
	testkit.Must(t, answer.Body.Close())
	testkit.Eventually(t, "the connection is closed", func() bool {
		a.client.closeIdle()
		return a.client.conns.count() == 0
	})
	if a.client.idle.Reset(time.Hour) {
		t.Error("a timer without connections")
	}
}
