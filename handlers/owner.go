package handlers

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"convoy/fleet"
)

// nodeName is what the path calls a node: its full name, or the first label of its host.
func nodeName(r *http.Request) (string, error) {
	name, err := url.PathUnescape(chi.URLParam(r, "node"))
	if err != nil {
		return "", badRequest("%q is no name of a node", chi.URLParam(r, "node"))
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
func (h *Handlers) onOwner(fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		node, err := h.nodeOf(r)
		if err != nil {
			return err
		}
		if node.Name == h.Self {
			return fn(w, r)
		}
		return h.forward(w, r, node)
	}
}

// here serves what another node sent on. It must be meant for this node: nothing is sent on twice.
func (h *Handlers) here(fn handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if name, err := nodeName(r); err != nil || name != h.Self {
			return &problem{Status: http.StatusMisdirectedRequest, Text: fmt.Sprintf("this node is %s", h.Self), Hint: "the sender's list of nodes is out of date; try again"}
		}
		return fn(w, r)
	}
}

// maxForward bounds what one hop carries in a request; the owner has limits of its own.
const maxForward = 1 << 20

// forward carries a request to the node that owns what it is about, and the answer back.
func (h *Handlers) forward(w http.ResponseWriter, r *http.Request, node fleet.Node) error {
	to, err := http.NewRequestWithContext(r.Context(), r.Method, ownerURL(node.Name, r), http.MaxBytesReader(w, r.Body, maxForward))
	if err != nil {
		return err
	}
	to.ContentLength = r.ContentLength
	to.Header.Set("Accept", "application/json")
	if kind := r.Header.Get("Content-Type"); kind != "" {
		to.Header.Set("Content-Type", kind)
	}
	answer, err := h.Cluster.Do(node.Name, to)
	if err != nil {
		return unreachable(node.Name, err)
	}
	defer answer.Body.Close()
	for _, name := range []string{"Content-Type", "Content-Disposition"} {
		if value := answer.Header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(answer.StatusCode)
	_, err = io.Copy(w, answer.Body)
	return err
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
	return &problem{Status: http.StatusBadGateway, Text: fmt.Sprintf("%s cannot be reached from here: %v", name, err), Hint: "its card says more; try again when it is alive"}
}
