package handlers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/fleet"
	"convoy/pty"
	"convoy/templates"
)

const (
	firstWait  = 200 * time.Millisecond // for all shells' screens that the console's HTML begins with
	firstBytes = 64 << 10               // of each
)

// GET /nodes/{node}/shells/{shell}/text
func (h *Handlers) showText(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return err
	}
	textHeaders(w.Header(), r)
	if r.URL.Query().Has("screen") {
		return writeText(w, s)
	}
	return s.WriteText(w)
}

// textType is the media type of what a shell has shown.
const textType = "text/plain; charset=utf-8"

// textHeaders says that the answer is a shell's text, which a browser keeps as a file.
func textHeaders(head http.Header, r *http.Request) {
	head.Set("Content-Type", textType)
	head.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.txt"`, url.PathEscape(chi.URLParam(r, "shell"))))
}

// writeText writes a shell's screen, a line for each row.
func writeText(w io.Writer, s *pty.Shell) error {
	out := bufio.NewWriter(w)
	for _, row := range s.Text() {
		out.WriteString(row)
		out.WriteByte('\n')
	}
	return out.Flush()
}

// firstScreens puts into each card the screen of the shell that it begins with. They are asked for at the same time;
// what does not come at once is left out: the page gets it by its stream.
func (h *Handlers) firstScreens(ctx context.Context, nodes []templates.Node) {
	ctx, cancel := context.WithTimeout(ctx, firstWait)
	defer cancel()
	var asking sync.WaitGroup
	for i := range nodes {
		node := &nodes[i]
		if id := firstRunning(node.Shells); id != "" && node.Status == string(fleet.Alive) {
			asking.Go(func() { node.Screen = h.textOf(ctx, node.Name, id) })
		}
	}
	asking.Wait()
}

func firstRunning(shells []templates.Shell) string {
	for _, s := range shells {
		if s.Running {
			return s.ID
		}
	}
	return ""
}

// textOf is a shell's screen as text, here or on another node; "" if it cannot be had, or is too large.
func (h *Handlers) textOf(ctx context.Context, node, id string) string {
	var text strings.Builder
	if node == h.Self {
		if s, err := h.Shells.Get(id); err == nil {
			writeText(&text, s) //nolint:errcheck // memory takes all
		}
	} else if answer, err := h.ask(ctx, node, fmt.Sprintf("/nodes/%s/shells/%s/text?screen=1", url.PathEscape(node),
		url.PathEscape(id))); err == nil {
		defer answer.Body.Close()
		if _, err := io.Copy(&text, io.LimitReader(answer.Body, firstBytes+1)); err != nil {
			return ""
		}
	}
	if text.Len() > firstBytes {
		return ""
	}
	return strings.ToValidUTF8(strings.TrimRight(text.String(), "\n"), "�")
}
