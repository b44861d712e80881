package live

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/r3labs/sse/v2"

	"convoy/handlers/web"
)

// publish sends one event of a stream. It waits while the client is slow, and does nothing once the stream has ended.
type publish func(name string, data []byte)

func (send publish) json(name string, v any) {
	if data, err := json.Marshal(v); err == nil {
		send(name, data)
	}
}

// serveEvents responds to one request with an event stream that lasts as long as run does, the client stays and ctx
// lives. A HEAD gets only the beginning of the header.
//
// It uses r3labs/sse in the one way that loses nothing and leaks nothing
// (docs/decisions/0003-r3labs-sse-used-narrowly.md): a server and a stream for each request, so that no client waits
// for another; no replay; publishing begins once the subscription exists; the stream is removed only after the
// subscriber has left; every event leaves in one write with a deadline.
func (h *Hub) serveEvents(
	ctx context.Context, w http.ResponseWriter, r *http.Request, run func(context.Context, publish),
) {
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store, no-transform")
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	web.SetOwnDeadlines(w)
	out := &eventWriter{ResponseWriter: w, control: http.NewResponseController(w), wait: h.Site.WriteWait, broken: cancel}
	context.AfterFunc(ctx, out.interrupt)
	defer out.own.End(func() {}) // net/http panics when the deadline of a finished HTTP/2 request is set

	const name = "tab"
	subscribed, removed := make(chan struct{}), make(chan struct{})
	server := sse.New()
	server.AutoReplay, server.AutoStream, server.BufferSize, server.SplitData = false, false, 0, true
	server.Headers = map[string]string{
		"Cache-Control":     "no-store, no-transform",
		"X-Accel-Buffering": "no",
		"Connection":        "close", // the deadline of the last write would apply to the next request
	}
	if r.ProtoMajor > 1 {
		delete(server.Headers, "Connection") // it would end the connection for all requests
	}
	server.OnSubscribe = func(string, *sse.Subscriber) { close(subscribed) }
	server.OnUnsubscribe = func(string, *sse.Subscriber) {
		server.RemoveStream(name)
		close(removed)
	}
	server.CreateStream(name)

	var pump sync.WaitGroup
	pump.Go(func() {
		defer cancel()
		<-subscribed
		run(ctx, func(event string, data []byte) {
			server.Publish(name, &sse.Event{Event: []byte(event), Data: clean(data)})
		})
	})
	subscribe := &http.Request{URL: &url.URL{RawQuery: "stream=" + name}} // without Last-Event-ID
	server.ServeHTTP(out, subscribe.WithContext(ctx))
	cancel()
	pump.Wait()
	<-removed
}

// clean makes data fit for one event: never empty, which would end the stream, and without carriage returns, which
// end a line like newlines do.
func clean(data []byte) []byte {
	if len(data) == 0 {
		return []byte(" ")
	}
	if bytes.IndexByte(data, '\r') >= 0 {
		data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	}
	return data
}

// eventBuffers collect events. A stream has one only while it sends.
var eventBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// eventWriter collects an event and sends it in one piece at Flush. A client that does not take it in time is dropped:
// sse ignores errors, so the first one ends the stream's context.
type eventWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	wait    time.Duration // for each event
	broken  context.CancelFunc
	event   *bytes.Buffer // nil between two events
	own     web.Deadlines // until the stream is interrupted, or its request returns
}

// WriteHeader sends the header immediately, on a stack of its own. net/http needs 3 KiB for it, which would grow the
// stack of the stream's goroutine to 16 KiB for as long as the stream lasts.
func (w *eventWriter) WriteHeader(status int) {
	var header sync.WaitGroup
	header.Go(func() {
		w.ResponseWriter.WriteHeader(status)
		w.flush()
	})
	header.Wait()
}

func (w *eventWriter) Write(b []byte) (int, error) {
	if w.event == nil {
		w.event = eventBuffers.Get().(*bytes.Buffer)
	}
	return w.event.Write(b)
}

// Flush sends what was collected.
func (w *eventWriter) Flush() {
	if w.event == nil {
		return
	}
	w.flush()
	w.event.Reset()
	eventBuffers.Put(w.event)
	w.event = nil
}

func (w *eventWriter) flush() {
	if !w.own.Set(func() { w.control.SetWriteDeadline(time.Now().Add(w.wait)) }) { //nolint:errcheck // recorders have none
		return
	}
	if w.event != nil {
		if _, err := w.ResponseWriter.Write(w.event.Bytes()); err != nil {
			w.broken()
			return
		}
	}
	if w.control.Flush() != nil {
		w.broken()
	}
}

// interrupt ends the current write and all later ones. It may be called concurrently, and after the request.
func (w *eventWriter) interrupt() {
	w.own.End(func() { w.control.SetWriteDeadline(time.Now()) }) //nolint:errcheck // as above
}
