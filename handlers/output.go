package handlers

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/pty"
)

// output follows a shell wherever it lives. An error ends it; without one it ends with the shell or with ctx.
func (h *Handlers) output(
	ctx context.Context,
	node, id string,
	viewer pty.Viewer,
	from int64,
) iter.Seq2[pty.Event, error] {
	if node == h.Self {
		return h.limitedOutput(ctx, id, viewer, from)
	}
	return h.remoteOutput(
		ctx,
		node,
		fmt.Sprintf("/nodes/%s/shells/%s/output?%s", url.PathEscape(node), url.PathEscape(id), following(viewer, from)),
	)
}

// following is what a request for a viewer's output asks, as a query.
func following(viewer pty.Viewer, from int64) string {
	query := url.Values{"viewer": {viewer.ID}, "name": {viewer.Name}, "from": {strconv.FormatInt(from, 10)}}
	if !viewer.CanType {
		query.Set("watch", "1")
	}
	return query.Encode()
}

// limitedOutput is ownOutput for a viewer who types only if whoever asks may.
func (h *Handlers) limitedOutput(
	ctx context.Context,
	id string,
	viewer pty.Viewer,
	from int64,
) iter.Seq2[pty.Event, error] {
	if s, err := h.Shells.Get(id); err == nil {
		viewer = limited(ctx, viewer, s)
		if from < 0 {
			h.noteAttached(ctx, id, viewer.CanType)
		}
	}
	return h.ownOutput(ctx, id, viewer, from)
}

func (h *Handlers) ownOutput(
	ctx context.Context,
	id string,
	viewer pty.Viewer,
	from int64,
) iter.Seq2[pty.Event, error] {
	return func(yield func(pty.Event, error) bool) {
		s, err := h.Shells.Get(id)
		if err != nil {
			yield(pty.Event{}, err)
			return
		}
		for e := range s.Follow(ctx, viewer, from) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// remoteOutput reads the owner's frames.
func (h *Handlers) remoteOutput(ctx context.Context, node, path string) iter.Seq2[pty.Event, error] {
	return func(yield func(pty.Event, error) bool) {
		answer, err := h.ask(ctx, node, path)
		if err != nil {
			yield(pty.Event{}, err)
			return
		}
		defer answer.Body.Close()
		in := bufio.NewReaderSize(answer.Body, 64<<10)
		for {
			e, err := readFrame(in)
			if err == io.EOF && ctx.Err() == nil {
				err = io.ErrUnexpectedEOF // the last frame says why it is the last
			}
			if !yield(e, err) || err != nil || e.Last() {
				return
			}
		}
	}
}

// ask sends a GET to another node. An answer other than 200 is an error; 404 is pty.ErrNotFound, 410 the problem that
// it tells of.
func (h *Handlers) ask(ctx context.Context, node, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	h.vouch(ctx, r)
	answer, err := h.Cluster.Do(node, r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusNotFound:
		return nil, pty.ErrNotFound
	case http.StatusGone:
		p := &problem{Status: http.StatusGone}
		return nil, cmp.Or[error](json.NewDecoder(io.LimitReader(answer.Body, maxForward)).Decode(p), p)
	}
	return nil, fmt.Errorf("%s answered %s", node, answer.Status)
}

// askJSON is ask for an answer of JSON of at most so many bytes.
func (h *Handlers) askJSON(ctx context.Context, node, path string, most int64, into any) error {
	answer, err := h.ask(ctx, node, path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(io.LimitReader(answer.Body, most)).Decode(into)
}

// GET /nodes/{node}/shells/{shell}/output, from another node: frames until the shell ends.
func (h *Handlers) serveOutput(w http.ResponseWriter, r *http.Request) error {
	viewer, err := attachmentOf(r)
	if err != nil {
		return err
	}
	from, err := number(r, "from", pty.FromHistory)
	if err != nil {
		return err
	}
	ctx, cancel := h.untilClose(r.Context())
	defer cancel()
	return writeFrames(w, h.limitedOutput(ctx, chi.URLParam(r, "shell"), viewer, from))
}

// writeFrames sends events as frames. An error before the first is returned, and a later one is a frame of its own.
func writeFrames(w http.ResponseWriter, events iter.Seq2[pty.Event, error]) error {
	out := http.NewResponseController(w)
	var frame []byte
	for e, err := range events {
		switch {
		case err != nil && frame == nil:
			return err
		case err != nil:
			frame = appendRefusal(frame[:0], err)
		default:
			frame = appendFrame(frame[:0], e)
		}
		if _, err := w.Write(frame); err != nil {
			return nil
		}
		if err := out.Flush(); err != nil {
			return nil
		}
	}
	return nil
}

// untilClose is a context that ends with parent or when the handlers close.
func (h *Handlers) untilClose(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	stop := context.AfterFunc(h.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

func contextWithTimeout(r *http.Request, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), d)
}
