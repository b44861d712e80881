package live

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"convoy/handlers/web"
)

// Streams share their buffers: each gets its event whole, and keeps no buffer afterwards.
func TestIdleStreamKeepsNoBuffer(t *testing.T) {
	for _, event := range [][]byte{bytes.Repeat([]byte("x"), 100<<10), []byte("y"), bytes.Repeat([]byte("z"), 5000)} {
		sent := httptest.NewRecorder()
		w := &eventWriter{
			ResponseWriter: sent,
			control:        http.NewResponseController(sent),
			wait:           web.WriteWait,
			broken:         func() { t.Error("the stream is broken") },
		}
		w.WriteHeader(http.StatusOK)
		if !sent.Flushed {
			t.Error("the header waits for the first event")
		}
		w.Write(event[:len(event)/2]) //nolint:errcheck // collects
		w.Write(event[len(event)/2:]) //nolint:errcheck // as above
		if sent.Body.Len() > 0 {
			t.Errorf("%d bytes left before the event was whole", sent.Body.Len())
		}
		w.Flush()
		if !bytes.Equal(sent.Body.Bytes(), event) {
			t.Errorf("%d bytes were sent of an event of %d", sent.Body.Len(), len(event))
		}
		if w.event != nil {
			t.Error("a buffer is kept")
		}
	}
}

// Over HTTP/2 the deadline of a request that has returned must not be set: net/http panics, which ends the node. The
// interruption of a stream that ends by itself comes at about that moment.
func TestFinishedStreamSetsNoDeadline(t *testing.T) {
	h := &Hub{Config: Config{Site: &web.Site{WriteWait: web.WriteWait}}}
	for range 5000 {
		w := &finishedWriter{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodGet, "/events", nil)
		h.serveEvents(t.Context(), w, r, func(context.Context, publish) {})
		w.finished.Store(true)
		t.Cleanup(func() {
			if w.late.Load() {
				t.Error("a deadline was set after the request had returned")
			}
		})
	}
}

// finishedWriter notices deadlines that are set after its request.
type finishedWriter struct {
	*httptest.ResponseRecorder
	finished, late atomic.Bool
}

func (w *finishedWriter) SetWriteDeadline(time.Time) error {
	if w.finished.Load() {
		w.late.Store(true)
	}
	return nil
}
