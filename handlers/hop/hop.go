// Package hop reaches the node that owns something, in one hop: it forwards requests, and asks other nodes itself.
package hop

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/fleet"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/pty/cast"
)

const (
	// MaxBody bounds the body of a forwarded request, in bytes. The owner has limits of its own.
	MaxBody = 1 << 20
	// maxJSON bounds a response that is decoded, in bytes.
	maxJSON = 4 << 20
)

// Nodes are the nodes of the cluster, as this one reaches them. Its methods may be called concurrently.
type Nodes struct {
	Self    string // this node's name
	Fleet   *fleet.Fleet
	Cluster interface {
		// Do sends r to a node. The caller closes the response's body.
		Do(node string, r *http.Request) (*http.Response, error)
	}
	// Sign identifies the user of ctx to the other node.
	Sign func(ctx context.Context, to *http.Request)
}

// Of is the node in the request's path.
func (n *Nodes) Of(r *http.Request) (fleet.Node, error) {
	name, err := web.NodeName(r)
	if err != nil {
		return fleet.Node{}, err
	}
	return n.Fleet.Find(name)
}

// CheckHere refuses a request for another node: nothing is forwarded twice.
func (n *Nodes) CheckHere(r *http.Request) error {
	if name, err := web.NodeName(r); err != nil || name != n.Self {
		return web.NewError(http.StatusMisdirectedRequest,
			fmt.Sprintf("this node is %s", n.Self), "the sender's list of nodes is out of date; try again")
	}
	return nil
}

// ForwardToOwner forwards a request to the node in its path. Bound its body before.
func (n *Nodes) ForwardToOwner(w http.ResponseWriter, r *http.Request, name string) error {
	path := "/nodes/" + url.PathEscape(name) + r.URL.EscapedPath()[len("/nodes/")+len(chi.URLParam(r, "node")):]
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return n.Forward(w, r, name, path)
}

// Forward forwards a request to a path on a node, and its response, both as streams, at the pace of the slower side. If
// the response is interrupted, it is interrupted here too. Bound the request's body before.
func (n *Nodes) Forward(w http.ResponseWriter, r *http.Request, node, path string) error {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, path, r.Body)
	if err != nil {
		return err
	}
	out.ContentLength = r.ContentLength
	out.Header.Set("Accept", "application/json")
	n.Sign(r.Context(), out)
	if kind := r.Header.Get("Content-Type"); kind != "" {
		out.Header.Set("Content-Type", kind)
	}
	sent := time.Now()
	response, err := n.Cluster.Do(node, out)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || errors.Is(err, web.ErrSlowBody) {
		return err
	}
	if err != nil {
		return Unreachable(node, err)
	}
	defer response.Body.Close()
	passHeaders(w.Header(), r, response)
	if response.StatusCode == http.StatusNoContent {
		w.Header().Set("Server-Timing", fmt.Sprintf("node;dur=%.1f", float64(time.Since(sent))/float64(time.Millisecond)))
	}
	w.WriteHeader(response.StatusCode)
	if _, err := io.Copy(w, response.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// Get sends a GET for a path below /nodes/{node} to that node. Any response but 200 is an error: 404 is
// pty.ErrNotFound, 410 the *web.Error in its body. The caller closes the response's body.
func (n *Nodes) Get(ctx context.Context, node, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/nodes/"+url.PathEscape(node)+path, nil)
	if err != nil {
		return nil, err
	}
	n.Sign(ctx, r)
	response, err := n.Cluster.Do(node, r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusNotFound:
		return nil, pty.ErrNotFound
	case http.StatusGone:
		gone := &web.Error{Status: http.StatusGone}
		return nil, cmp.Or[error](json.NewDecoder(io.LimitReader(response.Body, MaxBody)).Decode(gone), gone)
	}
	return nil, fmt.Errorf("%s answered %s", node, response.Status)
}

// GetJSON is Get for a response of JSON.
func (n *Nodes) GetJSON(ctx context.Context, node, path string, into any) error {
	response, err := n.Get(ctx, node, path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(io.LimitReader(response.Body, maxJSON)).Decode(into)
}

// Unreachable is the 502 of a node that does not answer.
func Unreachable(name string, err error) error {
	return web.NewError(http.StatusBadGateway, fmt.Sprintf("%s cannot be reached from here: %v", name, err),
		"see its card for the reason; try again when the node is alive")
}

// passHeaders describes another node's response: one of the known downloads, or else JSON. No node can make a browser
// treat its response as a page.
func passHeaders(head http.Header, r *http.Request, response *http.Response) {
	if response.StatusCode == http.StatusNoContent {
		if echo := response.Header.Get(EchoHeader); slices.Contains(echoes, echo) {
			head.Set(EchoHeader, echo)
		}
		return
	}
	switch response.Header.Get("Content-Type") {
	case recordingType:
		RecordingHeaders(head, r)
	case fileType:
		FileHeaders(head, r.URL.Query().Get("path"))
	case textType:
		TextHeaders(head, r)
	default:
		head.Set("Content-Type", "application/json")
	}
	if response.StatusCode == http.StatusCreated && response.Header.Get("Location") != "" {
		head.Set("Location", response.Header.Get("Location"))
	}
	if response.ContentLength >= 0 {
		head.Set("Content-Length", strconv.FormatInt(response.ContentLength, 10))
	}
}

// The media types of downloads. Browsers save them, and do not display them.
const (
	fileType      = "application/octet-stream"
	recordingType = "application/x-asciicast"
	textType      = "text/plain; charset=utf-8"
)

// EchoHeader is in the response to a viewer's input: who echoes keys, as in pty.Shell.Echo.
const EchoHeader = "Convoy-Echo"

var echoes = []string{pty.EchoProgram, pty.EchoTerminal, pty.EchoNone}

// FileHeaders describes a file of that path or name.
func FileHeaders(head http.Header, name string) {
	head.Set("Content-Type", fileType)
	head.Set("Content-Disposition", attachment(path.Base(name)))
}

// RecordingHeaders describes the recording in the request's path.
func RecordingHeaders(head http.Header, r *http.Request) {
	head.Set("Content-Type", recordingType)
	if id := chi.URLParam(r, "recording"); cast.ValidID(id) {
		head.Set("Content-Disposition", `attachment; filename="`+id+`.cast"`)
	}
}

// TextHeaders describes the text of the shell in the request's path.
func TextHeaders(head http.Header, r *http.Request) {
	head.Set("Content-Type", textType)
	head.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.txt"`, url.PathEscape(chi.URLParam(r, "shell"))))
}

// attachment is a Content-Disposition (RFC 6266) that no name can break.
func attachment(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": strings.ToValidUTF8(name, "_")})
}
