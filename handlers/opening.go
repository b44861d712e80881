package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"convoy/pty"
)

// opening is what a stream's opener asked for.
type opening struct {
	viewer pty.Viewer
	shells []at
	places map[string]place
	nodes  bool
	log    bool
}

// maxName is the longest name that a viewer may give itself, in letters.
const maxName = 40

// attachmentOf is the viewer that a request attaches: the name that it gives itself, and whether it only watches.
func attachmentOf(r *http.Request) (pty.Viewer, error) {
	id, err := viewerOf(r)
	if err != nil {
		return pty.Viewer{}, err
	}
	query := r.URL.Query()
	name, err := readName("name", query.Get("name"))
	return pty.Viewer{ID: id, Name: name, CanType: !query.Has("watch")}, err
}

// readName decodes what somebody calls themself, or a link.
func readName(what, text string) (string, error) {
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxName ||
		strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", badRequest("%s must be at most %d printable letters", what, maxName)
	}
	return strings.TrimSpace(text), nil
}

// at is a place in a shell's output.
type at struct {
	node, shell string
	off         int64
}

// readOpening decodes a stream's query.
func (h *Handlers) readOpening(r *http.Request) (open opening, err error) {
	if open.viewer, err = attachmentOf(r); err != nil {
		return open, err
	}
	query := r.URL.Query()
	switch want := query.Get("want"); want {
	case "", "nodes,log", "log,nodes":
		open.nodes, open.log = true, true
	case "nodes":
		open.nodes = true
	case "log":
		open.log = true
	case "none":
	default:
		return open, badRequest("want must be nodes, log, nodes,log or none, not %q", want)
	}
	if len(query["shell"]) > maxFollows {
		return open, badRequest("a stream follows at most %d shells", maxFollows)
	}
	for _, text := range query["shell"] {
		s, err := h.readAt(text)
		if err != nil {
			return open, err
		}
		open.shells = append(open.shells, s)
	}
	open.places = map[string]place{}
	for _, text := range query["log"] {
		name, p, ok := readPlace(text)
		if !ok {
			return open, badRequest("log must be NODE@BOOT:LINE, not %q", text)
		}
		open.places[name] = p
	}
	return open, nil
}

// readAt decodes NODE/SHELL@OFF. A node that is not known (any more) is no error here: the stream says gone.
func (h *Handlers) readAt(text string) (at, error) {
	node, rest, ok := strings.Cut(text, "/")
	id, off, given := strings.Cut(rest, "@")
	s := at{node: node, shell: id, off: -1}
	if given {
		n, err := strconv.ParseInt(off, 10, 64)
		ok = ok && err == nil && n >= pty.FromHistory
		s.off = n
	}
	if !ok || node == "" || id == "" || strings.Contains(id, "/") {
		return at{}, badRequest("shell must be NODE/SHELL@OFFSET, not %q", text)
	}
	if known, err := h.Fleet.Find(node); err == nil {
		s.node = known.Name
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
