// Command cluster measures what a cluster of Convoy's nodes costs and how soon it notices things: nodes of package peer
// alone, without console and shells, each a process of its own on the loopback, which find one another through Convoy's
// own name server. What calls and streams between two nodes take is measured beside bare HTTP/2 and bare TLS 1.3.
//
//	go run ./internal/bench/cluster            everything, in two minutes at most
//	go run ./internal/bench/cluster -n 3,30 -json
//
// It measures and never judges by its exit status: that is 1 only if something failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"convoy/internal/bench/stats"
)

// The program runs itself in these roles. They are its first argument.
const (
	roleNode  = "-node"  // one node of the cluster; see serveNode
	roleSpace = "-space" // all of the benchmark, in a network of its own; see enterSpace
)

const (
	maxNodes     = 250
	defaultLimit = 112 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	args := os.Args[1:]
	if len(args) > 0 && args[0] == roleNode {
		os.Exit(serveNode(ctx, os.Stdin, os.Stdout))
	}
	os.Exit(run(ctx, args, os.Stdout, os.Stderr))
}

// errLimit ends a run that takes too long; that is no failure of what it measures.
var errLimit = errors.New("the time for all of it is up")

// options are the flags.
type options struct {
	sizes []int
	rest  time.Duration // that a cluster is watched at rest
	kills int           // of each kind, of each size
	pair  bool
	limit time.Duration
	json  bool
}

func readOptions(args []string, stderr io.Writer) (o options, err error) {
	set := flag.NewFlagSet("cluster", flag.ContinueOnError)
	set.SetOutput(stderr)
	sizes := set.String("n", "3,10,30,100", "sizes of clusters")
	set.DurationVar(&o.rest, "rest", 10*time.Second, "how long each cluster is watched at rest")
	set.IntVar(&o.kills, "kills", 3, "nodes killed of each kind, of each size, if there is time")
	set.BoolVar(&o.pair, "pair", true, "measure calls and streams between two nodes")
	set.DurationVar(&o.limit, "limit", defaultLimit, "time for all of it")
	set.BoolVar(&o.json, "json", false, "print JSON")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 2 || n > maxNodes {
			return o, fmt.Errorf("no cluster of %q nodes: 2 to %d", text, maxNodes)
		}
		o.sizes = append(o.sizes, n)
	}
	if set.NArg() > 0 || o.kills < 1 || o.rest < time.Second {
		return o, errors.New("nothing can be measured that way: -h lists the flags")
	}
	return o, nil
}

// run is the whole program. Its status is 1 if something failed, 2 if it was asked for something impossible.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	inside := len(args) > 0 && args[0] == roleSpace
	if inside {
		args = args[1:]
	}
	o, err := readOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "cluster: error:", err)
		return 2
	}
	b := &bench{options: o, stderr: stderr, report: report{About: stats.About(), Load: loads{Begin: stats.Load()}}}
	if inside {
		err = openSpace()
	} else if status, entered, spaceErr := enterSpace(args); entered {
		return status
	} else {
		b.report.note(
			fmt.Sprintf("no network of its own could be had (%v): packets and bytes are those of the whole machine", spaceErr),
		)
	}
	if err == nil {
		err = b.measure(ctx)
	}
	b.report.Load.End = stats.Load()
	if printErr := b.report.print(stdout, o.json); err == nil {
		err = printErr
	}
	if err != nil {
		fmt.Fprintln(stderr, "cluster: error:", err)
		return 1
	}
	return 0
}

// bench is one run.
type bench struct {
	options
	report report
	stderr io.Writer
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.stderr, "cluster: "+format+"\n", args...)
}

// measure measures the pair first, then the clusters by size. A size that the time does not suffice for is left out.
func (b *bench) measure(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit, errLimit)
	defer cancel()
	end, _ := ctx.Deadline()
	if b.pair {
		began := time.Now()
		if err := b.measurePair(ctx); err != nil {
			return fmt.Errorf("two nodes: %w", err)
		}
		b.say("two nodes took %v", time.Since(began).Round(100*time.Millisecond))
	}
	for i, n := range b.sizes {
		if ctx.Err() != nil {
			return nil
		}
		share := time.Until(end) / time.Duration(len(b.sizes)-i)
		began := time.Now()
		err := b.measureSize(ctx, n, began.Add(share))
		b.say("%d nodes took %v", n, time.Since(began).Round(100*time.Millisecond))
		switch {
		case errors.Is(err, errNotYet):
			b.report.note(fmt.Sprintf("%d nodes, after %v: %v", n, time.Since(began).Round(time.Second), err))
		case err != nil && errors.Is(context.Cause(ctx), errLimit):
			b.report.note(fmt.Sprintf("%d nodes: cut short, the time was up (-limit)", n))
		case err != nil:
			return fmt.Errorf("%d nodes: %w", n, err)
		}
	}
	return nil
}
