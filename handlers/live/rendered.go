package live

import (
	"slices"
	"sync"
	"time"
)

const (
	// renderedLife is how long an unchanged list of nodes is used again.
	renderedLife = time.Second
	// renderedLogs bounds the nodes whose lines are cached.
	renderedLogs = 100
	// servedPages is how many lists that HTML pages have shown are kept, for the streams that these pages open.
	servedPages = 8
)

// state is a state of nodes and shells. It has changed when one of the channels is closed.
type state struct{ fleet, shells <-chan struct{} }

// rendered caches what all pages get. If a thousand open pages rendered it separately, the node would be busy for
// seconds whenever a shell opens.
type rendered struct {
	mu    sync.Mutex // held while something is rendered
	state state
	at    time.Time // when page was made
	page  *fleetPage
	delta delta
	logs  map[string]batch

	served     [servedPages]*fleetPage // the last that HTML pages have shown
	nextServed int
}

// delta is what turns one page into another; most tabs show the same one.
type delta struct {
	from, to *fleetPage
	partials []byte
	ok       bool
}

// batch is the last event with lines of a node's log, from one place to another.
type batch struct {
	from, to place
	data     []byte
}

// nodes is the list of nodes in that state or a later one. render gets the page before it, which may be nil.
func (r *rendered) nodes(now state, render func(last *fleetPage) (*fleetPage, error)) (*fleetPage, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.page != nil && r.state == now && time.Since(r.at) < renderedLife {
		return r.page, nil
	}
	at := time.Now()
	page, err := render(r.page)
	if err != nil {
		return nil, err
	}
	r.state, r.at, r.page = now, at, page
	return page, nil
}

// serve keeps a list that an HTML page shows.
func (r *rendered) serve(page *fleetPage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.served[:], page) {
		return
	}
	r.served[r.nextServed] = page
	r.nextServed = (r.nextServed + 1) % len(r.served)
}

// servedAs is a list that an HTML page has shown lately; nil: it is not known.
func (r *rendered) servedAs(id string) *fleetPage {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, page := range r.served {
		if page != nil && page.id == id {
			return page
		}
	}
	return nil
}

// since is fleetPage.since. Do not change the partials.
func (r *rendered) since(from, to *fleetPage) (partials []byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delta.from != from || r.delta.to != to {
		r.delta = delta{from: from, to: to}
		r.delta.partials, r.delta.ok = to.since(from)
	}
	return r.delta.partials, r.delta.ok
}

// lines is the event with the lines of a node's log from one place to another. Do not change it.
func (r *rendered) lines(node string, from, to place, render func() ([]byte, error)) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.logs[node]; ok && last.from == from && last.to == to {
		return last.data, nil
	}
	data, err := render()
	if err != nil {
		return nil, err
	}
	if r.logs == nil || len(r.logs) >= renderedLogs {
		r.logs = map[string]batch{}
	}
	r.logs[node] = batch{from, to, data}
	return data, nil
}

// encodedOutputs is how many pieces of output are kept encoded.
const encodedOutputs = 16

// outputs keeps the last pieces of output as events, because the viewers of a shell get the same ones.
type outputs struct {
	mu   sync.Mutex
	last [encodedOutputs]*encodedOutput
	next int // to be replaced
}

// outputPlace is a piece of a shell's output on streams that get text, or not.
type outputPlace struct {
	key  string
	off  int64
	size int
	text bool
}

type encodedOutput struct {
	outputPlace
	once   sync.Once
	events []outputEvent
}

// encoded returns the events of a piece of output. Do not change them.
func (o *outputs) encoded(place outputPlace, b []byte) []outputEvent {
	one := o.find(place)
	one.once.Do(func() { one.events = place.encode(b) })
	return one.events
}

func (o *outputs) find(place outputPlace) *encodedOutput {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.last {
		if one != nil && one.outputPlace == place {
			return one
		}
	}
	one := &encodedOutput{outputPlace: place}
	o.last[o.next] = one
	o.next = (o.next + 1) % len(o.last)
	return one
}
