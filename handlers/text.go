package handlers

import (
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
)

// GET /nodes/{node}/shells/{shell}/text
func (h *Handlers) showText(w http.ResponseWriter, r *http.Request) error {
	s, err := h.Shells.Get(chi.URLParam(r, "shell"))
	if err != nil {
		return err
	}
	textHeaders(w.Header(), r)
	if r.URL.Query().Has("screen") {
		_, err := io.WriteString(w, strings.Join(s.Text(), "\n")+"\n")
		return err
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

const (
	textWait  = 200 * time.Millisecond // for the texts of other nodes' shells, all together
	textBytes = 64 << 10               // of one shell, in a page
)

// screens are what the first running shell of each node shows, by shell: a page shows it before its scripts have come,
// and where none run. What does not come in time is left out.
func (h *Handlers) screens(ctx context.Context, nodes []fleet.Node) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, textWait)
	defer cancel()
	var mu sync.Mutex
	var group sync.WaitGroup
	texts := map[string]string{}
	for _, node := range nodes {
		id, ok := firstRunning(h.shellsOf(node))
		if !ok || node.Status != fleet.Alive {
			continue
		}
		group.Go(func() {
			if text, err := h.screenText(ctx, node.Name, id); err == nil {
				mu.Lock()
				defer mu.Unlock()
				texts[node.Name+"/"+id] = text
			}
		})
	}
	group.Wait()
	return texts
}

func firstRunning(shells []shell) (id string, ok bool) {
	for _, s := range shells {
		if s.Running {
			return s.ID, true
		}
	}
	return "", false
}

// screenText is what a shell shows, wherever it is.
func (h *Handlers) screenText(ctx context.Context, node, id string) (string, error) {
	if node == h.Self {
		s, err := h.Shells.Get(id)
		if err != nil {
			return "", err
		}
		return strings.Join(s.Text(), "\n"), nil
	}
	answer, err := h.ask(ctx, node, fmt.Sprintf("/nodes/%s/shells/%s/text?screen=1", url.PathEscape(node), url.PathEscape(id)))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, textBytes))
	return strings.ToValidUTF8(string(text), ""), err
}
