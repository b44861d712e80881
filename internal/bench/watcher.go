package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/url"
	"sync"
	"time"

	"convoy/internal/client"
)

// tally sums the bytes of an output from one offset up to another, and waits for a third.
type tally struct {
	from, to, end int64
	bytes         int64 // that came of those in between
	sum           uint32
	resets        int           // bytes that never come
	whole         chan struct{} // closed when the output has come to end
}

func newTally(from, to, end int64) *tally {
	return &tally{from: from, to: to, end: end, whole: make(chan struct{})}
}

// add takes in bytes that begin at off.
func (t *tally) add(off int64, b []byte) {
	first, last := max(t.from-off, 0), min(t.to-off, int64(len(b)))
	if first < last {
		t.bytes += last - first
		t.sum = crc32.Update(t.sum, sums, b[first:last])
	}
	t.reach(off, off+int64(len(b)))
}

// skip takes in a reset from one offset to another.
func (t *tally) skip(from, to int64) {
	t.resets++
	t.reach(from, to)
}

// reach notes that the output went from one offset on to another.
func (t *tally) reach(from, to int64) {
	if from < t.end && to >= t.end {
		close(t.whole)
	}
}

// right reports whether every byte came, and has this sum.
func (t *tally) right(sum uint32) bool {
	return t.resets == 0 && t.bytes == t.to-t.from && t.sum == sum
}

// watcher is a viewer of one shell that types nothing. It keeps nothing of the output but its sum.
type watcher struct {
	viewer *client.Client
	shell  client.Shell
	stream *client.Stream
	draws  bool // it acknowledges what came
	stop   context.CancelFunc
	ended  chan struct{} // closed when nothing more comes
	err    error         // read it when ended is closed
	off    int64         // after the last byte that came; its reader's

	mu      sync.Mutex // guards tally and what is in it, and missing
	tally   *tally
	missing *missing
}

// missing waits for a list of nodes without a text.
type missing struct {
	text []byte
	gone chan struct{} // closed when there was one
}

// watch follows a shell from an offset. A client that is a page also gets the list of nodes and the log, as pages do.
func watch(
	ctx context.Context, viewer *client.Client, shell client.Shell, from int64, t *tally, draws bool,
) (*watcher, error) {
	ctx, stop := context.WithCancel(ctx)
	query := url.Values{"shell": {fmt.Sprintf("%s@%d", shell.Key(), from)}}
	if !viewer.Page {
		query.Set("want", "none")
	}
	stream, err := viewer.Stream(ctx, query)
	if err != nil {
		stop()
		return nil, err
	}
	w := &watcher{
		viewer: viewer,
		shell:  shell,
		stream: stream,
		draws:  draws,
		stop:   stop,
		ended:  make(chan struct{}),
		off:    from,
		tally:  t,
	}
	go w.read(ctx)
	return w, nil
}

// read takes what comes until the stream ends or something is wrong. Close waits for it.
func (w *watcher) read(ctx context.Context) {
	defer close(w.ended)
	acked := w.off
	for {
		e, err := w.stream.Next()
		if err == nil {
			err = w.take(e)
		}
		if err == nil && w.draws && w.off-acked >= w.stream.Window/4 {
			acked = w.off
			err = w.viewer.Ack(ctx, w.shell, acked)
		}
		if err != nil {
			w.err = err
			return
		}
	}
}

func (w *watcher) take(e client.Event) error {
	switch e.Name {
	case "output":
		o, err := client.ParseOutput(e)
		if err != nil {
			return err
		}
		return w.output(o)
	case "reset":
		var said struct{ Off int64 }
		if err := json.Unmarshal(e.Data, &said); err != nil {
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tally.skip(w.off, said.Off)
		w.off = said.Off
	case "nodes", "changes":
		w.mu.Lock()
		defer w.mu.Unlock()
		if m := w.missing; m != nil && !bytes.Contains(e.Data, m.text) {
			close(m.gone)
			w.missing = nil
		}
	case "exit", "lost", "gone":
		return fmt.Errorf("%s: %s", e.Name, e.Data)
	}
	return nil
}

func (w *watcher) output(o client.Output) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.Off != w.off {
		return fmt.Errorf("output at offset %d, expected %d", o.Off, w.off)
	}
	w.off += int64(len(o.Bytes))
	w.tally.add(o.Off, o.Bytes)
	return nil
}

// miss says when a list of nodes comes without a text.
func (w *watcher) miss(text string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.missing = &missing{[]byte(text), make(chan struct{})}
	return w.missing.gone
}

// expect has another stretch summed, which has not begun to come.
func (w *watcher) expect(t *tally) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally = t
}

// wait waits for the end of what is summed.
func (w *watcher) wait(ctx context.Context) (*tally, error) {
	w.mu.Lock()
	t := w.tally
	w.mu.Unlock()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-t.whole:
		return t, nil
	case <-w.ended:
		return t, w.err
	case <-ctx.Done():
		return t, context.Cause(ctx)
	case <-limit.C:
		w.mu.Lock()
		defer w.mu.Unlock()
		return t, fmt.Errorf("%d bytes came in %v, expected %d", t.bytes, patience, t.to-t.from)
	}
}

// close ends the stream and waits for its reader.
func (w *watcher) close() {
	w.stop()
	w.stream.Close()
	<-w.ended
}

func closeAll(watchers []*watcher) {
	for _, w := range watchers {
		w.close()
	}
}
