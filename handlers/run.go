package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"convoy/guide"
	"convoy/handlers/outcome"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/templates"
)

// maxRunForm bounds a run's form, in bytes: it names each node twice.
const maxRunForm = 256 << 10

var (
	errStopped     = errors.New("stopped")
	errRunning     = web.NewError(http.StatusConflict, "this page runs steps already", "wait for them, or stop them")
	errBookChanged = web.NewError(http.StatusConflict,
		"the runbook has changed since this page was loaded", "reload the page to see what would run")
)

// run is steps that run on nodes, one after the other. It ends with its request, or if htmx asked with its page.
type run struct {
	h        *Handlers
	r        *http.Request // its context is canceled by errStopped when the user stops the run
	stop     context.CancelCauseFunc
	over     chan struct{} // closed at its end
	lease    *time.Timer   // drops it without a page that asks for its progress; nil: it has no page
	free     func()        // gives its place among the user's runs back
	book     guide.Runbook
	bar      templates.RunState
	nodes    []templates.RunNode
	progress progress
	done     []stepResult
}

// stepResult is the result of a step as docs/protocol.md describes it.
type stepResult struct {
	Step    int              `json:"step"`
	State   string           `json:"state"`
	Results []outcome.Result `json:"results"`
	at      time.Time
}

// POST /runbooks/{runbook}/run
//
// htmx gets the beginning, and asks for the progress; everyone else gets one response at the end.
func (h *Handlers) runSteps(w http.ResponseWriter, r *http.Request) error {
	if err := web.ReadFormUpTo(w, r, maxRunForm); err != nil {
		return err
	}
	book, err := h.runbookOf(r)
	if err != nil {
		return err
	}
	if v := r.PostForm.Get("version"); v != "" && v != book.Version {
		return errBookChanged
	}
	from, to, err := chosenSteps(r, len(book.Blocks))
	if err != nil {
		return err
	}
	return h.runBook(w, r, book, from, to)
}

// runBook runs steps of a runbook on the nodes of a form.
func (h *Handlers) runBook(w http.ResponseWriter, r *http.Request, book guide.Runbook, from, to int) error {
	x, err := h.newRun(r, book)
	if err != nil {
		return err
	}
	do := func() {
		defer close(x.over)
		defer h.live.KeepCurrent(x.r.Context())()
		x.steps(from, to, r.PostForm.Get("only") == "")
	}
	if !web.IsHTMX(r) {
		defer x.drop()
		do()
		return x.respond(w, r)
	}
	h.running.Go(do)
	return x.begin(w, r)
}

// newRun makes a run of a request and its name known. Drop it.
func (h *Handlers) newRun(r *http.Request, book guide.Runbook) (*run, error) {
	free, err := session.Acquire(r, h.quotas.runs)
	if err != nil {
		return nil, err
	}
	ctx, end := r.Context(), func() {}
	if web.IsHTMX(r) {
		ctx, end = h.sessions.Outlive(h.ctx, r)
	}
	ctx, stop := context.WithCancelCause(ctx)
	x := &run{h: h, r: r.WithContext(ctx), stop: stop, over: make(chan struct{}), book: book, done: []stepResult{}}
	x.free = sync.OnceFunc(func() { free(); end() })
	x.bar = templates.RunState{Name: url.PathEscape(book.Name), Run: r.PostForm.Get("run")}
	for _, n := range h.runNodes() {
		if slices.Contains(r.PostForm["nodes"], n.Name) {
			x.nodes = append(x.nodes, n)
		}
	}
	if web.IsHTMX(r) {
		x.lease = time.AfterFunc(math.MaxInt64, x.drop) // show sets the time, from the first response on
	}
	if err := h.register(x); err != nil {
		x.drop()
		return nil, err
	}
	return x, nil
}

// drop ends the run if it is in progress, and forgets it.
func (x *run) drop() {
	if x.lease != nil {
		x.lease.Stop()
	}
	x.h.runs.CompareAndDelete(x.key(), x)
	x.stop(errStopped)
	x.free()
}

// chosenSteps are the first and the last step to run, of a runbook with so many.
func chosenSteps(r *http.Request, steps int) (from, to int, err error) {
	from, to = 1, steps
	if only := r.PostForm.Get("only"); only != "" {
		_, err = fmt.Sscan(only, &from)
		to = from
	} else if text := r.PostForm.Get("from"); text != "" {
		_, err = fmt.Sscan(text, &from)
	}
	if err != nil || from < 1 || from > steps {
		return 0, 0, web.BadRequest("from and only must be the number of a step")
	}
	return from, to, nil
}

// respond responds to a run without htmx: with JSON, or with the runbook's page for a form without scripts.
func (x *run) respond(w http.ResponseWriter, r *http.Request) error {
	if !web.WantsHTML(r) || x.book.Name == templates.CommandRun {
		return web.WriteJSON(w, http.StatusOK, map[string]any{"steps": x.done})
	}
	view := x.h.runbookView(r, x.book, x.bar)
	for _, step := range x.done {
		view.Steps[step.Step-1].State = step.State
		view.Parts[step.Step-1].Results = step.view(x.nodes)
	}
	return x.h.site.Render(w, http.StatusOK, "runbook", view)
}

// steps runs the steps from one number to another, until one fails.
func (x *run) steps(from, to int, all bool) {
	if len(x.nodes) == 0 {
		x.bar.Text, x.bar.State = "Choose at least one node.", "failed"
		x.progress.add(templates.RunUpdate{Bar: &x.bar, Said: x.bar.Text})
		return
	}
	x.bar.Running = true
	begun := x.bar
	x.progress.add(templates.RunUpdate{Bar: &begun})
	last := stepResult{}
	for n := from; n <= to && (last.State == "" || last.State == "ok"); n++ {
		last = x.step(n)
	}
	x.bar.Running = false
	switch {
	case last.State == outcome.Stopped:
		x.bar.Text = fmt.Sprintf("You stopped step %d.", last.Step)
	case last.State == "failed":
		x.bar.Text = fmt.Sprintf("Stopped at step %d: it failed on %s.", last.Step, strings.Join(last.failed(), ", "))
	case len(x.book.Blocks) == 1:
		x.bar.Text = "All is done, on " + count(len(x.nodes)) + "."
	default:
		x.bar.Text = fmt.Sprintf("All %d steps are done, on %s.", len(x.book.Blocks), count(len(x.nodes)))
	}
	if x.bar.State = last.State; last.State != "ok" {
		if x.bar.Again = last.Step; last.Step < len(x.book.Blocks) {
			x.bar.Next = last.Step + 1
		}
	}
	if !all {
		x.bar.Text, x.bar.Next, x.bar.Again = "", 0, 0
	}
	said := x.bar.Text
	if said == "" {
		said = last.said(len(x.nodes))
	}
	x.progress.add(templates.RunUpdate{Bar: &x.bar, Said: said})
}

// step runs one step on all nodes.
func (x *run) step(n int) stepResult {
	began := time.Now()
	done := stepResult{Step: n}
	mark := x.mark(n, "running")
	first := done.view(x.nodes)
	first.Begun = true
	x.progress.add(templates.RunUpdate{Step: &mark, Results: first})
	results := make(chan outcome.Result, len(x.nodes))
	for _, node := range x.nodes {
		go func() { results <- x.ask(x.book.Blocks[n-1], node) }()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for len(done.Results) < len(x.nodes) {
		select {
		case got := <-results:
			done.Results = append(done.Results, got)
			if len(done.Results) < len(x.nodes) {
				view := done.view(x.nodes)
				view.Seconds = int(time.Since(began).Seconds())
				x.progress.add(templates.RunUpdate{Step: &mark, Results: view})
			}
		case <-tick.C:
			x.progress.add(templates.RunUpdate{Tick: n, Seconds: int(time.Since(began).Seconds())})
		}
	}
	place := func(r outcome.Result) int {
		return slices.IndexFunc(x.nodes, func(n templates.RunNode) bool { return n.Name == r.Node })
	}
	slices.SortFunc(done.Results, func(a, b outcome.Result) int { return place(a) - place(b) })
	done.State, done.at = outcome.State(done.Results), time.Now()
	x.done = append(x.done, done)
	ended := x.mark(n, done.State) // a response may be showing the earlier mark
	x.progress.add(templates.RunUpdate{Step: &ended, Results: done.view(x.nodes)})
	return done
}

func (x *run) mark(n int, state string) templates.RunStep {
	b := x.book.Blocks[n-1]
	return templates.RunStep{Number: n, Kind: b.Kind, First: firstLine(b.Text), State: state}
}

// view is the results as the page shows them, of which some nodes' may not have come.
func (s stepResult) view(nodes []templates.RunNode) *templates.StepResults {
	view := &templates.StepResults{Number: s.Step, Answered: len(s.Results), At: s.at}
	for _, n := range nodes {
		if !slices.ContainsFunc(s.Results, func(r outcome.Result) bool { return r.Node == n.Name }) {
			view.Waiting = append(view.Waiting, n.Short)
		}
	}
	view.Groups = outcome.Groups(s.Results, len(view.Waiting) == 0)
	view.Headline = outcome.Headline(view.Groups)
	return view
}

// failed are the nodes on which the step did not work.
func (s stepResult) failed() (names []string) {
	for _, r := range s.Results {
		if !r.OK {
			names = append(names, r.Short)
		}
	}
	return names
}

// said describes the step for screen readers.
func (s stepResult) said(nodes int) string {
	if s.State == "ok" {
		return fmt.Sprintf("Step %d finished on %s.", s.Step, count(nodes))
	}
	return fmt.Sprintf("Step %d %s on %d of %s.", s.Step, s.State, len(s.failed()), count(nodes))
}

func count(nodes int) string {
	if nodes == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", nodes)
}

// ask runs a step on one node, by the same route as everyone else: with its right, its hop to the owner and its entries
// in the audit logs.
func (x *run) ask(b guide.Block, node templates.RunNode) outcome.Result {
	got := outcome.Result{Node: node.Name, Short: node.Short, Badge: "failed"}
	began := time.Now()
	var response struct {
		Status *int
		Output string
		Took   float64
		Result string
		Error  string
		Hint   string
	}
	status, err := x.request(b, node.Name, &response)
	got.Took = time.Since(began)
	lines := []string{response.Result, response.Error}
	switch {
	case errors.Is(context.Cause(x.r.Context()), errStopped):
		got.Badge, lines = outcome.Stopped, nil
	case err != nil:
		e := x.h.site.Explain(err)
		status, lines = e.Status, []string{web.Sentence(e.Text), web.Sentence(e.Hint)}
	case status == http.StatusOK && response.Status != nil:
		got.OK, got.Badge, lines = *response.Status == 0, fmt.Sprintf("exit %d", *response.Status), []string{response.Output}
		got.Took = time.Duration(response.Took * float64(time.Second))
		if *response.Status < 0 {
			got.Badge = "killed"
		}
	case status == http.StatusOK:
		got.OK, got.Badge = true, "ok"
	case status != http.StatusUnprocessableEntity:
		lines = []string{web.Sentence(response.Error), web.Sentence(response.Hint)}
	}
	if status == http.StatusGatewayTimeout {
		got.Badge = "timed out"
	}
	got.Output = outcome.Plain(strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n"))
	return got
}

// request sends a block to a node, and decodes the response.
func (x *run) request(b guide.Block, node string, into any) (status int, err error) {
	rt, path, ask := x.h.evalRoute(), "/eval", map[string]string{"source": strings.TrimRight(b.Text, " \t\n")}
	if b.Kind == guide.System {
		rt, path, ask = x.h.commandRoute(), "/run", map[string]string{"command": ask["source"]}
	}
	response, err := x.h.ask(x.r, rt, node, path, ask)
	if err != nil {
		return 0, err
	}
	return response.status, json.Unmarshal(response.Bytes(), into)
}
