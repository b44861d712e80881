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
	"convoy/internal/faultproxy"
	"convoy/internal/testkit"
	"convoy/pty"
)

var (
	faultRuns  = flag.Int("runs", 50, "runs of TestBadNetworks")
	randomSeed = flag.Uint64("seed", 0, "the first run's seed; 0: any")
)

const (
	faultShells = 12      // which the runs share, one after the other
	faultWindow = 4 << 10 // so small that acknowledgements are needed
)

// Between a page and a shell that echoes its input are random bad networks: everything typed is written exactly once
// and in order, and every byte of output arrives once, at its offset. For more runs, or to repeat one:
//
//	go test ./handlers -run BadNetworks -runs 100000
//	go test ./handlers -run BadNetworks -runs 1 -seed 42
func TestBadNetworks(t *testing.T) {
	t.Parallel()
	n := startTable(t, self, alone{}, pty.Config{
		Programs: []pty.Program{{Args: []string{"/bin/sh", "-c", "stty raw -echo; echo ready; exec cat"}}},
		Max:      faultShells,
		Window:   faultWindow,
	})
	seed := *randomSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	if testing.Short() {
		*faultRuns = min(*faultRuns, 20)
	}
	var begun, streams atomic.Int64
	var all tally
	var workers sync.WaitGroup
	began := time.Now()
	for range min(faultShells, *faultRuns) {
		workers.Go(func() {
			r := newRoom(t, n)
			for i := begun.Add(1); i <= int64(*faultRuns); i = begun.Add(1) {
				run := seed + uint64(i) - 1
				opened, carried, err := r.run(run)
				if err != nil {
					t.Errorf("-runs 1 -seed %d: %v", run, err)
					return // the state of the shell is unknown
				}
				streams.Add(int64(opened))
				all.add(carried)
			}
		})
	}
	workers.Wait()
	took := time.Since(began).Round(time.Millisecond)
	t.Logf("%d runs in %v: %d streams, %+v", *faultRuns, took, streams.Load(), all.Stats)
}

// tally is what happened in all runs.
type tally struct {
	mu sync.Mutex
	faultproxy.Stats
}

func (a *tally) add(b faultproxy.Stats) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Forwarded += b.Forwarded
	a.Cut += b.Cut
	a.Repeated += b.Repeated
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

// run types through one bad network, and reads the echo.
func (r *room) run(seed uint64) (streams int, carried faultproxy.Stats, err error) {
	random := rand.New(rand.NewPCG(seed, 0))
	proxy, err := faultproxy.NewHTTP(strings.TrimPrefix(r.node.url, "http://"), seed, faultproxy.Random(random))
	if err != nil {
		return 0, carried, err
	}
	c := client.New("http://"+proxy.Addr(), token)
	defer c.Close()
	ctx, cancel := context.WithTimeout(r.ctx, testkit.Patience)
	defer cancel()
	page := c.AttachResilient(ctx, r.shell, r.off, faultWindow)
	var typed []byte
	for range 5 + random.IntN(26) {
		chunk := words(random)
		typed = append(typed, chunk...)
		page.Type(chunk)
	}
	page.Settled()
	got, err := page.Reach(r.off + int64(len(typed)))
	page.Close()
	proxy.Close() // late requests have arrived now
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
	return page.Streams(), proxy.Stats(), nil
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
	ctx, cancel := context.WithTimeout(r.ctx, testkit.Patience)
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
		"%s %d bytes, want %d; at byte %d: %q, want %q", what, len(got), len(want), at, around(got), around(want),
	)
}
