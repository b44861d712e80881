package live

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

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
