package handlers

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/templates"
)

const (
	maxQuery       = 100 // bytes
	foundOfKind    = 8   // matches of each kind that the menu lists
	findRecordings = 300 * time.Millisecond
	recordingsLife = 10 * time.Second // of the list that the menu looks in
)

// GET /find?q=: what the menu finds besides its own entries.
func (h *Handlers) find(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query().Get("q")
	if len(query) > maxQuery {
		return web.BadRequest("q can have at most %d bytes", maxQuery)
	}
	words := strings.Fields(strings.ToLower(query))
	view := templates.Found{}
	if len(words) > 0 {
		defer h.live.KeepCurrent(r.Context())()
		nodes, shells := h.findable()
		view.Add("Nodes", best(nodes, words))
		view.Add("Shells", best(shells, words))
		view.Add("Pages", best(pagesOf(nodes, words), words))
		view.Add("Runbooks", best(h.findableRunbooks(), words))
		if session.RoleOf(r).Allows(access.Recordings) {
			view.Add("Recordings", best(h.findableRecordings(r.Context()), words))
		}
	}
	if !web.IsHTMX(r) {
		return web.WriteJSON(w, http.StatusOK, view.Groups)
	}
	return h.site.Render(w, http.StatusOK, "found", view)
}

// pagesOf are the pages of the nodes that a word finds.
func pagesOf(nodes []templates.FoundItem, words []string) (pages []templates.FoundItem) {
	for _, n := range nodes {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(n.Label, word) }) {
			continue
		}
		pages = append(pages,
			templates.FoundItem{Icon: "gauge", Label: n.Label + " statistics", Path: "/nodes/" + n.Node + "/stats"},
			templates.FoundItem{Icon: "info", Label: n.Label + " details", Path: "/nodes/" + n.Node},
		)
	}
	return pages
}

// findable are the nodes and their shells, as addresses within the console.
func (h *Handlers) findable() (nodes, shells []templates.FoundItem) {
	list := h.live.Overview().Nodes
	same := map[string]int{}
	for _, n := range list {
		same[templates.ShortName(n.Host)]++
	}
	for _, n := range list {
		short := templates.ShortName(n.Host)
		at := "#" + short
		if same[short] > 1 {
			at = "#" + n.Name
		}
		nodes = append(nodes, templates.FoundItem{
			Icon: "terminal", Label: short, Detail: string(n.Status), Path: at, Node: n.Name,
		})
		for _, s := range h.live.ShellsOf(n.Name) {
			one := templates.FoundItem{Icon: templates.KindIcon(s.Kind), Label: s.Label(), Detail: short, Path: at + "/" + s.ID}
			if !s.Running {
				one.Detail += ", ended"
			}
			shells = append(shells, one)
		}
	}
	return nodes, shells
}

func (h *Handlers) findableRunbooks() (list []templates.FoundItem) {
	if h.runbooks.Dir == "" {
		return nil
	}
	books, _, err := h.runbooks.List()
	if err != nil {
		h.Log.Warn("runbooks cannot be listed", "err", err)
	}
	for _, b := range books {
		list = append(list, templates.FoundItem{
			Icon: "notebook-text", Label: b.Title, Path: "/runbooks/" + b.Name,
			Detail: strings.Join(append([]string{b.Name}, b.Tags...), ", "),
		})
	}
	return list
}

// recentRecordings keeps the recordings of all nodes for a moment, so that a key in the menu asks no other node.
type recentRecordings struct {
	mu   sync.Mutex
	at   time.Time
	list []templates.Recording
}

func (h *Handlers) findableRecordings(ctx context.Context) (list []templates.FoundItem) {
	recent := &h.recent
	recent.mu.Lock()
	defer recent.mu.Unlock()
	if time.Since(recent.at) > recordingsLife {
		// The next key in the menu ends this request, and needs the list.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findRecordings)
		defer cancel()
		recent.list, _ = h.allRecordings(ctx)
		recent.at = time.Now()
	}
	for _, one := range recent.list {
		list = append(list, templates.FoundItem{
			Icon: "film", Label: one.Name(), Path: "/recordings/" + one.Node + "/" + one.ID,
			Detail: templates.ShortName(one.Node) + ", " + one.Started.Format("2 Jan 15:04"),
		})
	}
	return list
}

// best are the items that have all words, those first whose label begins with them.
func best(items []templates.FoundItem, words []string) []templates.FoundItem {
	type ranked struct {
		templates.FoundItem
		rank int
	}
	var found []ranked
	for _, one := range items {
		if rank := rankOf(one, words); rank >= 0 {
			found = append(found, ranked{one, rank})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	list := []templates.FoundItem{}
	for _, one := range found[:min(len(found), foundOfKind)] {
		list = append(list, one.FoundItem)
	}
	return list
}

// rankOf is low for a good match: words begin the label, or a part of it, or are in it, or in the detail. It is -1 for
// none.
func rankOf(item templates.FoundItem, words []string) (rank int) {
	label, detail := strings.ToLower(item.Label), strings.ToLower(item.Detail)
	parts := strings.FieldsFunc(label, func(r rune) bool { return strings.ContainsRune(" -_./:", r) })
	for _, word := range words {
		begins := func(part string) bool { return strings.HasPrefix(part, word) }
		switch {
		case begins(label):
		case slices.ContainsFunc(parts, begins):
			rank++
		case strings.Contains(label, word):
			rank += 2
		case strings.Contains(detail, word):
			rank += 3
		default:
			return -1
		}
	}
	return rank
}
