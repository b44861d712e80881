package handlers

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"

	"github.com/go-chi/chi/v5"

	"convoy/fleet"
)

// nodeName is what the path calls a node: its full name, or the first label of its host.
func nodeName(r *http.Request) (string, error) {
	name, err := url.PathUnescape(chi.URLParam(r, "node"))
	if err != nil {
		return "", badRequest("%q is not the name of a node", chi.URLParam(r, "node"))
	}
	return name, nil
}

// nodeOf is the node that the path names.
func (h *Handlers) nodeOf(r *http.Request) (fleet.Node, error) {
	name, err := nodeName(r)
	if err != nil {
		return fleet.Node{}, err
	}
	return h.Fleet.Find(name)
}

// onOwner serves a request here if the node in its path is this one; else its owner does, one hop away.
func (h *Handlers) onOwner(fn handler) handler { return h.onOwnerUpTo(maxForward, fn) }

// onOwnerUpTo is onOwner with a limit of its own to the request's body, in bytes.
func (h *Handlers) onOwnerUpTo(limit int64, fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		node, err := h.nodeOf(r)
		if err != nil {
			return err
		}
		if node.Name == h.Self {
			return fn(w, r)
		}
		return h.forward(w, r, node.Name, ownerURL(node.Name, r), limit)
	}
}

// here serves what another node sent on. It must be meant for this node: nothing is sent on twice.
func (h *Handlers) here(fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if name, err := nodeName(r); err != nil || name != h.Self {
			return &problem{
				Status: http.StatusMisdirectedRequest,
				Text:   fmt.Sprintf("this node is %s", h.Self),
				Hint:   "the sender's list of nodes is out of date; try again",
			}
		}
		return fn(w, r)
	}
}

// maxForward bounds what one hop carries in a request; the owner has limits of its own.
const maxForward = 1 << 20

// clientOf is the address of who asks, whichever node they ask.
func (h *Handlers) clientOf(r *http.Request) string {
	if s := sessionOf(r); s.addr != "" {
		return s.addr
	}
	return h.addrOf(r)
}

// forward carries a request to the node that owns what it is about, under the path that it has there, and the answer
// back, both as streams: the slower side's pace is everybody's. An answer that breaks off in the middle breaks off here
// too.
func (h *Handlers) forward(w http.ResponseWriter, r *http.Request, name, path string, limit int64) error {
	to, err := http.NewRequestWithContext(r.Context(), r.Method, path, http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return err
	}
	to.ContentLength = r.ContentLength
	to.Header.Set("Accept", "application/json")
	h.vouch(r.Context(), to)
	if kind := r.Header.Get("Content-Type"); kind != "" {
		to.Header.Set("Content-Type", kind)
	}
	answer, err := h.Cluster.Do(name, to)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || errors.Is(err, errSlowBody) {
		return err
	}
	if err != nil {
		return unreachable(name, err)
	}
	defer answer.Body.Close()
	passHeaders(w.Header(), r, answer)
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// passHeaders says what the answer of another node is: a recording, or else JSON. Nothing that a node calls its answer
// can make a browser take it for a page.
func passHeaders(head http.Header, r *http.Request, answer *http.Response) {
	switch {
	case answer.StatusCode == http.StatusNoContent:
		return
	case answer.Header.Get("Content-Type") == castType:
		castHeaders(head, r)
	case answer.Header.Get("Content-Type") == fileType:
		head.Set("Content-Type", fileType)
		head.Set("Content-Disposition", attachment(path.Base(r.URL.Query().Get("path"))))
	case answer.Header.Get("Content-Type") == textType:
		textHeaders(head, r)
	default:
		head.Set("Content-Type", "application/json")
	}
	if answer.ContentLength >= 0 {
		head.Set("Content-Length", strconv.FormatInt(answer.ContentLength, 10))
	}
}

// ownerURL is the request's path with the node's full name in it, and its query.
func ownerURL(name string, r *http.Request) string {
	given := chi.URLParam(r, "node")
	rest := r.URL.EscapedPath()[len("/nodes/")+len(given):]
	path := "/nodes/" + url.PathEscape(name) + rest
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return path
}

// unreachable is the problem of a node that does not answer.
func unreachable(name string, err error) error {
	return &problem{
		Status: http.StatusBadGateway,
		Text:   fmt.Sprintf("%s cannot be reached from here: %v", name, err),
		Hint:   "see its card for the reason; try again when the node is alive",
	}
}
