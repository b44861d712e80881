package live

import (
	"bufio"
	"context"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
)

// output follows a shell, here or on another node, for the user of ctx.
func (h *Hub) output(ctx context.Context, s At, viewer pty.Viewer) iter.Seq2[pty.Event, error] {
	if s.Node == h.Self {
		return h.limitedOutput(ctx, s, viewer)
	}
	path := "/shells/" + url.PathEscape(s.Shell) + "/output?" + OutputQuery(viewer, s.Off)
	return h.RemoteOutput(ctx, s.Node, path)
}

// OutputQuery is the query of a request for a viewer's output.
func OutputQuery(viewer pty.Viewer, from int64) string {
	query := url.Values{"viewer": {viewer.ID}, "name": {viewer.Name}, "from": {strconv.FormatInt(from, 10)}}
	if !viewer.CanType {
		query.Set("watch", "1")
	}
	return query.Encode()
}

// limitedOutput is OwnOutput for a viewer that types only if the user of ctx may.
func (h *Hub) limitedOutput(ctx context.Context, s At, viewer pty.Viewer) iter.Seq2[pty.Event, error] {
	if own, err := h.Shells.Get(s.Shell); err == nil {
		viewer = session.Limit(ctx, viewer, own)
		if s.Off < 0 {
			h.Sessions.RecordAttached(ctx, s.Shell, viewer.CanType)
		}
	}
	return h.OwnOutput(ctx, s, viewer)
}

// OwnOutput follows a shell of this node. It ends with the shell or with ctx.
func (h *Hub) OwnOutput(ctx context.Context, at At, viewer pty.Viewer) iter.Seq2[pty.Event, error] {
	return func(yield func(pty.Event, error) bool) {
		s, err := h.Shells.Get(at.Shell)
		if err != nil {
			yield(pty.Event{}, err)
			return
		}
		for e := range s.Follow(ctx, viewer, at.Off) {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// RemoteOutput reads frames of another node, from a path below /nodes/{node}.
func (h *Hub) RemoteOutput(ctx context.Context, node, path string) iter.Seq2[pty.Event, error] {
	return func(yield func(pty.Event, error) bool) {
		response, err := h.Nodes.Get(ctx, node, path)
		if err != nil {
			yield(pty.Event{}, err)
			return
		}
		defer response.Body.Close()
		in := bufio.NewReaderSize(response.Body, 64<<10)
		for {
			e, err := readFrame(in)
			if err == io.EOF && ctx.Err() == nil {
				err = io.ErrUnexpectedEOF // the last frame has the reason
			}
			if !yield(e, err) || err != nil || e.Last() {
				return
			}
		}
	}
}

// ServeOutput handles GET /nodes/{node}/shells/{shell}/output, from another node, with frames until the shell ends.
func (h *Hub) ServeOutput(w http.ResponseWriter, r *http.Request) error {
	viewer, err := Attachment(r)
	if err != nil {
		return err
	}
	from, err := web.Number(r, "from", pty.FromHistory)
	if err != nil {
		return err
	}
	ctx, cancel := h.UntilClose(r.Context())
	defer cancel()
	return h.WriteFrames(w, h.limitedOutput(ctx, At{h.Self, chi.URLParam(r, "shell"), from}, viewer))
}

// WriteFrames sends events as frames. It returns an error before the first event; a later one becomes the last frame.
func (h *Hub) WriteFrames(w http.ResponseWriter, events iter.Seq2[pty.Event, error]) error {
	out := http.NewResponseController(w)
	var frame []byte
	for e, err := range events {
		switch {
		case err != nil && frame == nil:
			return err
		case err != nil:
			frame = appendRefusal(frame[:0], h.Site.Explain(err))
		default:
			frame = AppendFrame(frame[:0], e)
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
