package handlers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"

	"convoy/handlers/web"
)

// partHandler answers htmx with part of a page. body is the JSON with which the route answers scripts; empty for 204.
type partHandler func(w http.ResponseWriter, r *http.Request, body []byte) error

// withPart serves htmx by part, and everyone else as before. The node that owns a shell answers JSON, and the one that
// the browser asked makes HTML of it: no node can put HTML into the page of another.
func withPart(part partHandler, fn web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !web.IsHTMX(r) {
			return fn(w, r)
		}
		answer, err := accepted(r, fn)
		if err != nil {
			return err
		}
		return part(w, r, answer.Bytes())
	}
}

// inMemory serves a request, and returns its answer.
func inMemory(r *http.Request, fn web.Handler) (*memoryWriter, error) {
	answer := &memoryWriter{head: http.Header{}, status: http.StatusOK}
	return answer, fn(answer, r)
}

// accepted is inMemory with the error that another node answered, if it refused.
func accepted(r *http.Request, fn web.Handler) (*memoryWriter, error) {
	answer, err := inMemory(r, fn)
	if err != nil || answer.status < http.StatusBadRequest {
		return answer, err
	}
	refusal := &web.Error{Status: answer.status}
	return answer, cmp.Or[error](json.Unmarshal(answer.Bytes(), refusal), refusal)
}

// forward forwards a request to the node in its path. htmx gets another node's refusal as a notice, like one of this
// node.
func (h *Handlers) forward(w http.ResponseWriter, r *http.Request, name string) error {
	if !web.IsHTMX(r) {
		return h.nodes.ForwardToOwner(w, r, name)
	}
	answer, err := accepted(r, func(w http.ResponseWriter, r *http.Request) error {
		return h.nodes.ForwardToOwner(w, r, name)
	})
	if err != nil {
		return err
	}
	maps.Copy(w.Header(), answer.head)
	w.WriteHeader(answer.status)
	_, err = w.Write(answer.Bytes())
	return err
}

var errLongAnswer = errors.New("the answer is too long")

// maxMemory bounds an answer in memory, in bytes.
const maxMemory = 8 << 20

// memoryWriter keeps an answer.
type memoryWriter struct {
	bytes.Buffer
	head   http.Header
	status int
}

func (m *memoryWriter) Header() http.Header    { return m.head }
func (m *memoryWriter) WriteHeader(status int) { m.status = status }
func (m *memoryWriter) Write(b []byte) (int, error) {
	if m.Len()+len(b) > maxMemory {
		return 0, errLongAnswer
	}
	return m.Buffer.Write(b)
}
