package live

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"convoy/handlers/web"
	"convoy/pty"
)

// Query is what a stream shows.
type Query struct {
	Viewer     pty.Viewer
	Shells     []At
	Nodes, Log bool
	Text       bool   // output as text, as far as possible
	List       string // the list of nodes that the page shows already; "": none

	places map[string]place // in nodes' logs
}

// At is a place in a shell's output.
type At struct {
	Node, Shell string
	Off         int64 // pty.FromScreen and pty.FromHistory too
}

// Key names the shell on a stream.
func (a At) Key() string { return a.Node + "/" + a.Shell }

// ReadQuery decodes the query of a stream.
func (h *Hub) ReadQuery(r *http.Request) (q Query, err error) {
	if q.Viewer, err = Attachment(r); err != nil {
		return q, err
	}
	query := r.URL.Query()
	q.Text, q.List = query.Has("text"), query.Get("list")
	switch want := query.Get("want"); want {
	case "", "nodes,log", "log,nodes":
		q.Nodes, q.Log = true, true
	case "nodes":
		q.Nodes = true
	case "log":
		q.Log = true
	case "none":
	default:
		return q, web.BadRequest("want must be nodes, log, nodes,log or none, not %q", want)
	}
	if len(query["shell"]) > maxFollows {
		return q, web.BadRequest("a stream follows at most %d shells", maxFollows)
	}
	for _, text := range query["shell"] {
		s, err := h.readAt(text)
		if err != nil {
			return q, err
		}
		q.Shells = append(q.Shells, s)
	}
	q.places = map[string]place{}
	for _, text := range query["log"] {
		name, p, ok := readPlace(text)
		if !ok {
			return q, web.BadRequest("log must be NODE@BOOT:LINE, not %q", text)
		}
		q.places[name] = p
	}
	return q, nil
}

// readAt decodes NODE/SHELL@OFF. An unknown node is no error here: the stream reports it as gone.
func (h *Hub) readAt(text string) (At, error) {
	node, rest, ok := strings.Cut(text, "/")
	id, off, given := strings.Cut(rest, "@")
	s := At{Node: node, Shell: id, Off: -1}
	if given {
		n, err := strconv.ParseInt(off, 10, 64)
		ok = ok && err == nil && n >= pty.FromHistory
		s.Off = n
	}
	if !ok || node == "" || id == "" || strings.Contains(id, "/") {
		return At{}, web.BadRequest("shell must be NODE/SHELL@OFFSET, not %q", text)
	}
	if known, err := h.Fleet.Find(node); err == nil {
		s.Node = known.Name
	}
	return s, nil
}

// readPlace decodes NODE@BOOT:LINE.
func readPlace(text string) (name string, p place, ok bool) {
	i := strings.LastIndexByte(text, '@')
	if i < 1 {
		return "", place{}, false
	}
	boot, line, found := strings.Cut(text[i+1:], ":")
	n, err := strconv.ParseInt(line, 10, 64)
	return text[:i], place{boot, n}, found && boot != "" && err == nil && n >= 0
}

// Attachment decodes the viewer that a request attaches: its name, and whether it types or is view-only.
func Attachment(r *http.Request) (pty.Viewer, error) {
	id, err := ViewerOf(r)
	if err != nil {
		return pty.Viewer{}, err
	}
	query := r.URL.Query()
	name, err := web.Name("name", query.Get("name"))
	return pty.Viewer{ID: id, Name: name, CanType: !query.Has("watch")}, err
}

const viewerLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// ViewerOf is the viewer that a request speaks for.
func ViewerOf(r *http.Request) (string, error) {
	viewer, _ := web.Param(r, "viewer")
	if len(viewer) < 16 || len(viewer) > 64 || strings.Trim(viewer, viewerLetters) != "" {
		return "", web.BadRequest("viewer must be 16 to 64 letters, digits, - or _")
	}
	prefix, _ := r.Context().Value(prefixKey{}).(string)
	return prefix + viewer, nil
}

type prefixKey struct{}

// WithPrefix puts a prefix before the viewers of a context's requests, so that they cannot speak for others.
func WithPrefix(ctx context.Context, prefix string) context.Context {
	return context.WithValue(ctx, prefixKey{}, prefix)
}
