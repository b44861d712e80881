// Command bench measures Convoy against the budgets of its design, side by side with a bare pseudo-terminal and with
// ttyd, if that is installed. It builds and runs a real Convoy and speaks its protocol (docs/protocol.md).
//
//	go run ./internal/bench            everything, in at most five minutes
//	go run ./internal/bench -parts echo,bulk -json
//	go run ./internal/bench -check     fail if a budget is missed
//
// The exit status is 1 if something failed or bytes came wrong, and with -check also if a figure misses what the design
// says that it must be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"convoy/internal/bench/stats"
)

func main() {
	// The measuring side shares the machine with what it measures: let it collect its garbage rarely.
	debug.SetGCPercent(800)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// errLimit ends a run that takes too long; that is no failure of what it measures.
var errLimit = errors.New("the time for all of it is up")

// options are the flags.
type options struct {
	parts, ways []string
	rounds      int
	keys        int // of one way, over all rounds
	mib         int // of the file that cat prints
	limit, rest time.Duration
	binary      string
	before      string // another build; "": none
	json        bool
	check       bool
}

func readOptions(args []string, stderr io.Writer) (o options, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(stderr)
	parts := set.String("parts", strings.Join(partNames(), ","), "what to measure")
	ways := set.String(
		"ways", "bare,convoy,node,ttyd", "ways to a shell: a bare pty, convoy's control plane, a spawned node, ttyd",
	)
	set.IntVar(&o.rounds, "rounds", 5, "rounds of each measurement, the ways taking turns")
	set.IntVar(&o.keys, "keys", 500, "keys typed each way, over all rounds")
	set.IntVar(&o.mib, "mib", 64, "size of the file that cat prints, MiB")
	set.DurationVar(&o.rest, "rest", 30*time.Second, "how long the cluster at rest is watched")
	set.DurationVar(&o.limit, "limit", 300*time.Second, "time for all of it, without the building")
	set.StringVar(&o.binary, "convoy", "", "a convoy to measure in place of one built from this module")
	set.StringVar(&o.before, "before", "", "another convoy, which takes its turns in the parts that compare ways")
	set.BoolVar(&o.json, "json", false, "print JSON")
	set.BoolVar(&o.check, "check", false,
		"fail if a figure misses what it must be, or if no figure with a budget was measured")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	for _, binary := range []*string{&o.binary, &o.before} {
		if *binary == "" {
			continue
		}
		if *binary, err = filepath.Abs(*binary); err != nil { // it is started in another directory
			return o, err
		}
	}
	o.parts, o.ways = strings.Split(*parts, ","), strings.Split(*ways, ",")
	for _, old := range []struct{ way, of string }{{"before", "convoy"}, {"before-node", "node"}} {
		if o.before != "" && slices.Contains(o.ways, old.of) {
			o.ways = append(o.ways, old.way)
		}
	}
	for _, name := range o.parts {
		if !slices.Contains(partNames(), name) {
			return o, fmt.Errorf("no part %q: there are %s", name, strings.Join(partNames(), ", "))
		}
	}
	if set.NArg() > 0 || o.rounds < 1 || o.keys < o.rounds || o.keys > 900*o.rounds || o.mib < 1 {
		return o, errors.New("nothing can be measured that way: -h lists the flags")
	}
	return o, nil
}

// part is one measurement.
type part struct {
	name, title string
	needs       time.Duration // it is not begun with less time left
	ways        bool          // it measures the ways that are open all the time
	run         func(context.Context, *bench) error
}

func parts() []part {
	return []part{
		{"open", "a new shell: from the request to its prompt", 5 * time.Second, true, measureOpen},
		{"echo", "key → echo: keys typed into bash one after the other, each waited for", 3 * time.Second, true, measureEcho},
		{"bulk", "bulk output: cat of a file, counted and hashed by the receiver", 10 * time.Second, true, measureBulk},
		{
			"viewers",
			"bulk output of one shell to its viewers, each of whom gets every byte",
			8 * time.Second,
			false,
			measureViewers,
		},
		{
			"stalled",
			"one viewer's output and echo beside another that has stopped, and may type",
			8 * time.Second,
			false,
			measureStalled,
		},
		{"delay", "key → echo over links with round trips", 16 * time.Second, true, measureDelay},
		{
			"interrupt",
			"Ctrl-C during yes, in a viewer that draws 5 MB/s, until the prompt is drawn",
			8 * time.Second,
			true,
			measureInterrupt,
		},
		{
			"browser",
			"Chromium: key → glyph drawn, and cat of 50 MiB until drawn",
			60 * time.Second,
			false,
			measureBrowser,
		},
		{"start", "convoy version: a start of the program", 2 * time.Second, false, measureStart},
		{"spawn", "a local node: click → shell usable, and retire → gone", 5 * time.Second, false, measureSpawn},
		{"crash", "a killed node: kill → the next key's echo, in a shell that goes on", 5 * time.Second, false, measureCrash},
		{"crowd", "a node with 200 shells and 1,000 viewers", 25 * time.Second, false, measureCrowd},
		{
			"glance",
			"what statistics, the list of nodes and states of shells cost a node",
			40 * time.Second,
			false,
			measureGlance,
		},
		{"forty", "40 nodes with three shells each, and their page in Chromium", 40 * time.Second, false, measureForty},
		{"memory", "memory that shells and viewers add", 10 * time.Second, false, measureMemory},
		{
			"rest",
			"a control plane and three spawned nodes, each, while nobody is attached",
			30 * time.Second,
			false,
			measureRest,
		},
	}
}

func partNames() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// bench is one run.
type bench struct {
	options
	place  *place
	convoy *convoy // of all parts but memory, which wants a fresh one
	before *convoy // another build; nil: none
	ttyd   *ttyd   // nil: there is none
	ways   []*way
	report report
	stderr io.Writer
}

// run is the whole program. Its status is 1 if something failed, 2 if it was asked for something impossible.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := readOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench: error:", err)
		return 2
	}
	b := &bench{options: o, stderr: stderr}
	err = b.measure(ctx)
	b.report.finish()
	if len(b.report.Figures) == 0 && err != nil {
		fmt.Fprintln(stderr, "bench: error:", err)
		return 1
	}
	err = errors.Join(err, b.report.print(stdout, o.json))
	if o.check {
		err = errors.Join(err, gate(b.report.Budgets))
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench: error:", err)
		return 1
	}
	return 0
}

// measure makes what the parts need, and runs them.
func (b *bench) measure(ctx context.Context) (err error) {
	b.report.About, b.report.Titles = stats.About(), map[string]string{}
	if busy := stats.Load(); busy > float64(runtime.NumCPU())/4 {
		b.report.note(fmt.Sprintf("other programs were busy when this began (load %.1f): only the ratios mean something, "+
			"and those less than on a calm machine", busy))
	}
	if b.place, err = newPlace(b.mib << 20); err != nil {
		return err
	}
	defer b.place.remove()
	if b.binary == "" {
		b.say("building convoy")
		if b.binary, err = b.place.build(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit, errLimit)
	defer cancel()
	if b.convoy, err = b.place.start(ctx, b.binary); err != nil {
		return err
	}
	defer b.convoy.stop()
	defer b.closeWays()
	if slices.ContainsFunc(parts(), func(p part) bool { return p.ways && slices.Contains(b.parts, p.name) }) {
		if err := b.openWays(ctx); err != nil {
			return err
		}
	}
	return b.runParts(ctx)
}

func (b *bench) runParts(ctx context.Context) error {
	var failed []error
	for _, p := range parts() {
		if !slices.Contains(b.parts, p.name) {
			continue
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < p.needs {
			b.report.note(p.name + ": left out, there was no time left (-limit)")
			continue
		}
		b.report.Titles[p.name] = p.title
		began := time.Now()
		err := p.run(ctx, b)
		b.say("%s took %v", p.name, time.Since(began).Round(100*time.Millisecond))
		switch {
		case err != nil && errors.Is(context.Cause(ctx), errLimit):
			b.report.note(p.name + ": cut short, the time was up (-limit)")
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", p.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// openWays opens a shell each way that is asked for and that there is.
func (b *bench) openWays(ctx context.Context) error {
	for _, name := range b.options.ways {
		var w *way
		var err error
		switch name {
		case "bare":
			w, err = b.openBare(ctx)
		case "convoy":
			w, err = b.convoy.open(ctx, wayCP)
		case "node":
			w, err = b.convoy.openNode(ctx, wayNode)
		case "before", "before-node":
			w, err = b.openBefore(ctx, name)
		case "ttyd":
			w, err = b.openTtyd(ctx)
		default:
			return fmt.Errorf("no way %q: there are bare, convoy, node, ttyd", name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if w != nil {
			b.ways = append(b.ways, w)
		}
	}
	return nil
}

// openBefore opens a shell of the other build, which it starts if it does not run yet.
func (b *bench) openBefore(ctx context.Context, name string) (w *way, err error) {
	if b.options.before == "" {
		return nil, errors.New("there is no other build: name it with -before")
	}
	if b.before == nil {
		if b.before, err = b.place.start(ctx, b.options.before); err != nil {
			return nil, err
		}
	}
	if name == "before" {
		return b.before.open(ctx, wayOldCP)
	}
	return b.before.openNode(ctx, wayOldNode)
}

func (b *bench) closeWays() {
	for _, w := range slices.Backward(b.ways) {
		w.close()
	}
	if b.before != nil {
		b.before.stop()
	}
	b.ttyd.stop()
}

// inTurn calls do for each way in each round, another way first each time, so that noise hits all alike. It begins no
// round after limit.
func (b *bench) inTurn(ways []*way, limit time.Duration, do func(round int, w *way) error) error {
	began := time.Now()
	for round := range b.rounds {
		if time.Since(began) > limit {
			b.say("%d of %d rounds fit into %v", round, b.rounds, limit)
			return nil
		}
		for i := range ways {
			w := ways[(i+round)%len(ways)]
			if err := do(round, w); err != nil {
				return fmt.Errorf("%s, round %d: %w", w.name, round, err)
			}
		}
	}
	return nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.stderr, "bench: "+format+"\n", args...)
}
