package handlers

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"convoy/internal/client"
	"convoy/internal/weather"
	"convoy/pty"
)

var (
	weatherRuns = flag.Int("runs", 200, "runs of TestWeather")
	weatherSeed = flag.Uint64("seed", 0, "the first run's seed; 0: any")
)

const (
	weatherShells = 12      // which the runs share, one after the other
	weatherWindow = 4 << 10 // so small that acknowledgements are needed
)

// Networks of all kinds of badness lie between a page and a shell that echoes what it gets: everything typed is written
// exactly once and in order, and every byte of output arrives once, at its offset. More than it does by itself:
//
//	go test ./handlers -run Weather -runs 100000
//	go test ./handlers -run Weather -runs 1 -seed 42
func TestWeather(t *testing.T) {
	t.Parallel()
	n := startTable(
		t,
		self,
		alone{},
		pty.Config{
			Programs: []pty.Program{{Args: []string{"/bin/sh", "-c", "stty raw -echo; echo ready; exec cat"}}},
			Max:      weatherShells,
			Window:   weatherWindow,
		},
	)
	seed := *weatherSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	if testing.Short() {
		*weatherRuns = min(*weatherRuns, 20)
	}
	var begun, streams atomic.Int64
	var all tally
	var workers sync.WaitGroup
	began := time.Now()
	for range min(weatherShells, *weatherRuns) {
		workers.Go(func() {
			r := newRoom(t, n)
			for i := begun.Add(1); i <= int64(*weatherRuns); i = begun.Add(1) {
				run := seed + uint64(i) - 1
				opened, carried, err := r.run(run)
				if err != nil {
					t.Errorf("-runs 1 -seed %d: %v", run, err)
					return // what the shell has now is anybody's guess
				}
				streams.Add(int64(opened))
				all.add(carried)
			}
		})
	}
	workers.Wait()
	t.Logf(
		"%d runs in %v: %d streams, %+v",
		*weatherRuns,
		time.Since(began).Round(time.Millisecond),
		streams.Load(),
		all.Tally,
	)
}

// tally is what happened in all runs.
type tally struct {
	mu sync.Mutex
	weather.Tally
}

func (a *tally) add(b weather.Tally) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Carried += b.Carried
	a.Cut += b.Cut
	a.Copied += b.Copied
}

// room is a shell that one run after the other uses.
type room struct {
	ctx    context.Context
	node   *testNode
	shell  client.Shell
	direct *pty.Shell // the same, without a network
	off    int64      // the end of its output
}

func newRoom(t *testing.T, n *testNode) *room {
	r := &room{ctx: t.Context(), node: n}
	c := client.New(n.url, token)
	defer c.Close()
	var err error
	if r.shell, err = c.Open(r.ctx, self); err != nil {
		t.Error(err)
	}
	if r.direct, err = n.Shells.Get(r.shell.ID); err != nil {
		t.Error(err)
	}
	r.off = int64(len(r.truth(0, len("ready\n"))))
	return r
}

// run types through one kind of weather, and reads what comes back.
func (r *room) run(seed uint64) (streams int, carried weather.Tally, err error) {
	random := rand.New(rand.NewPCG(seed, 0))
	proxy, err := weather.NewProxy(strings.TrimPrefix(r.node.url, "http://"), seed, weather.Any(random))
	if err != nil {
		return 0, carried, err
	}
	c := client.New("http://"+proxy.Addr(), token)
	defer c.Close()
	ctx, cancel := context.WithTimeout(r.ctx, 60*time.Second)
	defer cancel()
	page := weather.Look(ctx, c, r.shell, r.off, weatherWindow)
	var typed []byte
	for range 5 + random.IntN(26) {
		chunk := words(random)
		typed = append(typed, chunk...)
		page.Type(chunk)
	}
	page.Settled()
	got, err := page.Reach(r.off + int64(len(typed)))
	page.Close()
	proxy.Close() // what comes late has come now
	if err != nil {
		return 0, carried, err
	}
	if err := same("the page got", got, typed); err != nil {
		return 0, carried, err
	}
	typed = append(typed, '\n')
	if err := r.direct.Write(ctx, typed[len(typed)-1:]); err != nil {
		return 0, carried, err
	}
	if err := same("the shell put out", r.truth(r.off, len(typed)), typed); err != nil {
		return 0, carried, err
	}
	r.off += int64(len(typed))
	return page.Streams(), proxy.Tally(), nil
}

// words are what is typed at once: mostly a key or two, sometimes a paste, with letters of one to four bytes.
func words(r *rand.Rand) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyzäß€漢🙂 0123456789"
	all := []rune(letters)
	var b bytes.Buffer
	for range 1 + r.IntN(1<<r.IntN(11)) {
		b.WriteRune(all[r.IntN(len(all))])
	}
	return b.Bytes()
}

// truth is the shell's output from an offset on, n bytes or what the last piece has beyond them.
func (r *room) truth(from int64, n int) (b []byte) {
	ctx, cancel := context.WithTimeout(r.ctx, 20*time.Second)
	defer cancel()
	witness := pty.Viewer{ID: fmt.Sprintf("witness-%d", from)}
	for e := range r.direct.Follow(ctx, witness, from) {
		if e.Kind != pty.Output {
			continue
		}
		b = append(b, e.Bytes...)
		if r.direct.Ack(witness.ID, from+int64(len(b))) != nil || len(b) >= n {
			break
		}
	}
	return b
}

// same says where two texts differ.
func same(what string, got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	around := func(b []byte) []byte { return b[max(0, at-20):min(len(b), at+20)] }
	return fmt.Errorf(
		"%s %d bytes, want %d; at byte %d: %q, want %q",
		what,
		len(got),
		len(want),
		at,
		around(got),
		around(want),
	)
}
