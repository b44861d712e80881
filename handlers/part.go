package handlers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"convoy/handlers/web"
)

// partHandler responds to htmx with part of a page. body is the JSON with which the route responds to scripts; empty
// for 204.
type partHandler func(w http.ResponseWriter, r *http.Request, body []byte) error

// withPart serves htmx by part, and everyone else as before. The node that owns a shell responds with JSON, and the one
// that the browser asked makes HTML of it: no node can put HTML into the page of another.
func withPart(part partHandler, fn web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !web.IsHTMX(r) {
			return fn(w, r)
		}
		response, err := accepted(r, fn)
		if err != nil {
			return err
		}
		return part(w, r, response.Bytes())
	}
}

// noPart answers htmx with nothing: what was done shows by the stream.
func noPart(w http.ResponseWriter, _ *http.Request, _ []byte) error { return web.NoContent(w, nil) }

// inMemory serves a request, and returns its response.
func inMemory(r *http.Request, fn web.Handler) (*memoryWriter, error) {
	response := &memoryWriter{head: http.Header{}, status: http.StatusOK}
	return response, fn(response, r)
}

// accepted is inMemory with the error of another node, if it refused.
func accepted(r *http.Request, fn web.Handler) (*memoryWriter, error) {
	response, err := inMemory(r, fn)
	if err != nil || response.status < http.StatusBadRequest {
		return response, err
	}
	refusal := &web.Error{Status: response.status}
	return response, cmp.Or[error](json.Unmarshal(response.Bytes(), refusal), refusal)
}

var errLongResponse = errors.New("the answer is too long")

// maxMemory bounds a response in memory, in bytes.
const maxMemory = 8 << 20

// memoryWriter keeps a response.
type memoryWriter struct {
	bytes.Buffer
	head   http.Header
	status int
}

func (m *memoryWriter) Header() http.Header    { return m.head }
func (m *memoryWriter) WriteHeader(status int) { m.status = status }
func (m *memoryWriter) Write(b []byte) (int, error) {
	if m.Len()+len(b) > maxMemory {
		return 0, errLongResponse
	}
	return m.Buffer.Write(b)
}
