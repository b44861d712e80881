package handlers

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"convoy/fleet"
	"convoy/handlers/hop"
	"convoy/pty"
	"convoy/templates"
)

const (
	firstWait  = 200 * time.Millisecond // for all screens in the console's HTML
	firstBytes = 64 << 10               // of each
)

// GET /nodes/{node}/shells/{shell}/text
func (h *Handlers) showText(w http.ResponseWriter, r *http.Request, s *pty.Shell) error {
	hop.TextHeaders(w.Header(), r)
	if r.URL.Query().Has("screen") {
		return writeText(w, s)
	}
	return s.WriteText(w)
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

// firstScreens adds to each card the screen of its first shell, from all nodes in parallel. The page gets those that do
// not arrive in time by its stream.
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

// textOf is a shell's screen as text, here or on another node; "" if that fails, or it is too large.
func (h *Handlers) textOf(ctx context.Context, node, id string) string {
	var text strings.Builder
	if node == h.Self {
		if s, err := h.Shells.Get(id); err == nil {
			writeText(&text, s) //nolint:errcheck // memory has no errors
		}
	} else if response, err := h.nodes.Get(ctx, node, "/shells/"+url.PathEscape(id)+"/text?screen=1"); err == nil {
		defer response.Body.Close()
		if _, err := io.Copy(&text, io.LimitReader(response.Body, firstBytes+1)); err != nil {
			return ""
		}
	}
	if text.Len() > firstBytes {
		return ""
	}
	return strings.ToValidUTF8(strings.TrimRight(text.String(), "\n"), "�")
}
