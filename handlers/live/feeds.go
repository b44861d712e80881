package live

import (
	"context"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"convoy/fleet"
	"convoy/logs"
	"convoy/stats"
	"convoy/templates"
)

const (
	feedLines  = 500              // kept of another node's log
	feedLinger = 30 * time.Second // how long feeds outlive their last reader
	feedWait   = 200 * time.Millisecond
	feedRetry  = 500 * time.Millisecond
)

// item is one piece of news from a node: its shells, the control plane's view of the fleet, or lines of the log of this
// boot, of which Next is the next.
type item struct {
	Shells *[]templates.Shell `json:"shells,omitempty"`
	Fleet  *Overview          `json:"fleet,omitempty"`
	Stats  *stats.Spark       `json:"stats,omitempty"`
	Boot   string             `json:"boot,omitempty"`
	Next   int64              `json:"next,omitempty"`
	Lines  []logs.Line        `json:"lines,omitempty"`
}

// source yields a node's news, with its log from that line of that boot on. It ends with an error, or with ctx.
type source func(ctx context.Context, node, boot string, from int64) iter.Seq2[item, error]

// feeds hold what this node knows about all nodes' shells and logs: one feed for each node, shared by all open tabs,
// and only while there are any.
type feeds struct {
	ctx    context.Context
	fleet  *fleet.Fleet
	source source
	log    *slog.Logger
	builds bool // nodes that are being created have feeds too
	group  sync.WaitGroup
	shells Signal // a node's shells changed, or the control plane's view of the fleet
	lines  Signal // a node's log grew
	sparks Signal // a node reported statistics
	usage  Signal // the number of users changed

	mu      sync.Mutex
	users   int
	running bool
	shut    bool             // nothing starts again
	nodes   map[string]*feed // by node name
}

// feed is what is known about one node, guarded by feeds.mu.
type feed struct {
	instance string
	stop     context.CancelFunc
	heard    bool // shells have arrived at least once
	shells   []templates.Shell
	fleet    *Overview // the control plane's
	spark    *spark    // nil: not reported yet
	boot     string
	next     int64 // the line after the last of lines
	lines    []logs.Line
}

func newFeeds(ctx context.Context, f *fleet.Fleet, source source, log *slog.Logger) *feeds {
	return &feeds{ctx: ctx, fleet: f, source: source, log: log, nodes: map[string]*feed{}}
}

// use keeps the feeds running until release is called, and for feedLinger. If they have just started it waits a moment
// for the first news of living nodes, so that a page shows their shells immediately.
func (f *feeds) use(ctx context.Context) (release func()) {
	f.count(1)
	f.settle(ctx)
	return func() { f.count(-1) }
}

// count adds a user, or removes one. The first one starts the feeds.
func (f *feeds) count(change int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users += change
	f.usage.Fire()
	if f.users > 0 && !f.running && !f.shut {
		f.running = true
		f.group.Go(f.run)
	}
}

// unused reports whether there are no users. If it is over too, the feeds no longer run.
func (f *feeds) unused(over bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users == 0 && over {
		f.running = false
	}
	return f.users == 0
}

// settle waits for news of every living node, at most feedWait.
func (f *feeds) settle(ctx context.Context) {
	limit := time.After(feedWait)
	for {
		changed := f.shells.Changed()
		if f.allHeard() {
			return
		}
		select {
		case <-changed:
		case <-limit:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *feeds) allHeard() bool {
	list := f.fleet.List()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, node := range list {
		if known := f.nodes[node.Name]; node.Status == fleet.Alive &&
			(known == nil || !known.heard || node.Control && !node.Self && known.fleet == nil) {
			return false
		}
	}
	return true
}

// close waits for every goroutine of the feeds. Their context must have ended.
func (f *feeds) close() {
	f.mu.Lock()
	f.shut = true
	f.mu.Unlock()
	f.group.Wait()
}

// run keeps one feed for each node that can have one, until they were unused for feedLinger.
func (f *feeds) run() {
	ctx, cancel := context.WithCancel(f.ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer f.clear()
	defer cancel()
	for {
		changed, usage := f.fleet.Changed(), f.usage.Changed()
		for _, node := range f.renew(f.fleet.List()) {
			feedCtx, stop := context.WithCancel(ctx)
			f.begin(node, stop)
			group.Go(func() { f.follow(feedCtx, node.Name) })
		}
		var idle <-chan time.Time
		if f.unused(false) {
			idle = time.After(feedLinger)
		}
		select {
		case <-changed:
		case <-usage:
		case <-idle:
			if f.unused(true) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// renew ends the feeds of nodes that have left or restarted, and returns the living nodes without one.
func (f *feeds) renew(list []fleet.Node) (missing []fleet.Node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, known := range f.nodes {
		i := slices.IndexFunc(list, func(n fleet.Node) bool { return n.Name == name })
		if i < 0 || (list[i].Status == fleet.Alive && list[i].Instance != known.instance) {
			known.stop()
			delete(f.nodes, name)
			f.shells.Fire()
		}
	}
	for _, node := range list {
		making := f.builds && node.Status.Pending()
		if f.nodes[node.Name] == nil && (node.Status == fleet.Alive || making) {
			missing = append(missing, node)
		}
	}
	return missing
}

func (f *feeds) begin(node fleet.Node, stop context.CancelFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[node.Name] = &feed{instance: node.Instance, stop: stop}
}

func (f *feeds) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.nodes)
}

// follow receives a node's news until ctx ends, and retries while the node cannot be reached.
func (f *feeds) follow(ctx context.Context, name string) {
	for ctx.Err() == nil {
		boot, from := f.position(name)
		for news, err := range f.source(ctx, name, boot, from) {
			if err != nil {
				f.log.Debug("feed interrupted", "node", name, "err", err)
				break
			}
			f.take(ctx, name, news)
		}
		sleep(ctx, feedRetry)
	}
}

func (f *feeds) position(name string) (boot string, next int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.nodes[name]; known != nil && known.boot != "" {
		return known.boot, known.next
	}
	return "", -1
}

func (f *feeds) take(ctx context.Context, name string, news item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.nodes[name]
	if known == nil || ctx.Err() != nil { // the feed has ended
		return
	}
	if news.Shells != nil {
		known.shells, known.heard = *news.Shells, true
		f.shells.Fire()
	}
	if news.Fleet != nil {
		known.fleet = news.Fleet
		f.shells.Fire()
	}
	if news.Stats != nil {
		known.spark = &spark{Spark: *news.Stats}
		f.sparks.Fire()
	}
	if news.Boot == "" {
		return
	}
	if known.boot != news.Boot {
		known.boot, known.lines = news.Boot, nil
	}
	known.lines = append(known.lines, news.Lines...)
	if n := len(known.lines); n > feedLines {
		known.lines = slices.Clone(known.lines[n-feedLines:])
	}
	known.next = news.Next
	f.lines.Fire()
}

// shellsOf are the last known shells of a node.
func (f *feeds) shellsOf(name string) []templates.Shell {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.nodes[name]; known != nil {
		return known.shells
	}
	return nil
}

// overviewOf is the last view of the control plane of that name; nil: none yet.
func (f *feeds) overviewOf(name string) *Overview {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.nodes[name]; known != nil && known.fleet != nil {
		copied := *known.fleet
		return &copied
	}
	return nil
}

// place is a reader's place in one node's log.
type place struct {
	boot string
	next int64
}

// since are the lines after p, and the place after them.
func (f *feeds) since(name string, p place) ([]logs.Line, place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.nodes[name]
	if known == nil || known.boot == "" {
		return nil, p
	}
	lines := known.lines
	if p.boot == known.boot {
		i, _ := slices.BinarySearchFunc(lines, p.next, func(l logs.Line, off int64) int { return int(l.Off - off) })
		lines = lines[i:]
	} else if n := len(lines); n > tailLines {
		lines = lines[n-tailLines:]
	}
	return slices.Clone(lines), place{known.boot, known.next}
}

// names are the nodes that have feeds.
func (f *feeds) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.nodes))
}
