package handlers

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/templates"
)

const (
	// defaultRunLease is how long a run continues without a page that asks for its progress. Browsers let pages in the
	// background ask once a minute.
	defaultRunLease = 5 * time.Minute
	// beginning is how long the first response waits for a short run to end.
	beginning = 250 * time.Millisecond
	// runShown is how long a run is known whose end has been sent to its page, which may ask again.
	runShown = 10 * time.Second
)

// progress is what the page of a run has to show: of each of its parts the last update, numbered in their order.
type progress struct {
	mu    sync.Mutex
	last  int // number of the last update
	shown int // that of the last one that the page has
	parts map[string]numberedUpdate
}

type numberedUpdate struct {
	number int
	templates.RunUpdate
}

// add makes an update the last one of its part: the bar, a step, or the time of the step that runs.
func (p *progress) add(u templates.RunUpdate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := "bar"
	if u.Tick > 0 {
		part = "time"
	} else if u.Step != nil {
		part = strconv.Itoa(u.Step.Number)
		delete(p.parts, "time")
		before := p.parts[part]
		u.Results.Begun = u.Results.Begun || before.number > p.shown && before.Results.Begun
	}
	if p.parts == nil {
		p.parts = map[string]numberedUpdate{}
	}
	p.last++
	p.parts[part] = numberedUpdate{p.last, u}
}

// since returns the updates after the one of a number, which the page has, and the number of the last one.
func (p *progress) since(number int) (updates []numberedUpdate, last int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = max(p.shown, number)
	for u := range maps.Values(p.parts) {
		if u.number > number {
			updates = append(updates, u)
		}
	}
	slices.SortFunc(updates, func(a, b numberedUpdate) int { return cmp.Compare(a.number, b.number) })
	return updates, p.last
}

// key is the run's place in Handlers.runs.
func (x *run) key() string { return runKey(x.r, x.bar.Run) }

func runKey(r *http.Request, run string) string { return session.Of(r).Grant + "/" + run }

// register makes a run known by the name that its login gave to it, if it gave one.
func (h *Handlers) register(x *run) error {
	if x.bar.Run == "" {
		if web.IsHTMX(x.r) {
			return web.BadRequest("a run by htmx needs a name")
		}
		return nil
	}
	for {
		old, taken := h.runs.LoadOrStore(x.key(), x)
		if !taken {
			return nil
		}
		select {
		case <-old.(*run).over: // its page has yet to show the end
			old.(*run).drop()
		default:
			return errRunning
		}
	}
}

// begin responds to the page that has started the run.
func (x *run) begin(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-x.over:
	case <-time.After(beginning):
	case <-r.Context().Done():
	}
	return x.show(w, 0)
}

// show responds with the updates after the one of a number, and with what asks for the next ones.
func (x *run) show(w http.ResponseWriter, after int) error {
	next := templates.RunPoll{}
	select {
	case <-x.over: // all updates are there
		x.lease.Reset(runShown)
	default:
		x.lease.Reset(x.h.runLease)
		next.Path = "/runbooks/" + x.bar.Name + "/run/" + url.PathEscape(x.bar.Run)
	}
	updates, last := x.progress.since(after)
	next.After = last
	return x.h.showUpdates(w, append(updates, numberedUpdate{last, templates.RunUpdate{Poll: &next}}))
}

func (h *Handlers) showUpdates(w http.ResponseWriter, updates []numberedUpdate) error {
	var all []byte
	for _, u := range updates {
		part, err := h.site.Templates.Execute("run_update", u.RunUpdate)
		if err != nil {
			return err
		}
		all = append(all, part...)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := w.Write(all)
	return err
}

// GET /runbooks/{runbook}/run/{run}
func (h *Handlers) showRun(w http.ResponseWriter, r *http.Request) error {
	after := int64(0)
	if text, _ := web.Param(r, "after"); text != "" {
		var err error
		if after, err = web.Number(r, "after", 0); err != nil {
			return err
		}
	}
	if x, ok := h.runs.Load(runKey(r, chi.URLParam(r, "run"))); ok && x.(*run).lease != nil {
		return x.(*run).show(w, int(after))
	}
	bar := templates.RunState{
		Name: url.PathEscape(chi.URLParam(r, "runbook")), Run: chi.URLParam(r, "run"),
		Text: "The run was interrupted.", State: "failed",
	}
	return h.showUpdates(w, []numberedUpdate{
		{0, templates.RunUpdate{Bar: &bar, Said: bar.Text, Poll: &templates.RunPoll{}}},
	})
}

// DELETE /runbooks/{runbook}/run/{run}
func (h *Handlers) stopRun(w http.ResponseWriter, r *http.Request) error {
	if x, ok := h.runs.Load(runKey(r, chi.URLParam(r, "run"))); ok {
		x.(*run).stop(errStopped)
	}
	return web.NoContent(w, nil)
}
