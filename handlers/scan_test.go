package handlers

import (
	"context"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"convoy/access"
	"convoy/internal/testkit"
	"convoy/pty"
)

var (
	scanTime = flag.Duration("scan", 4*time.Second, "how long TestScan asks")
)

// mute takes what is evaluated, and what is run, and does nothing.
type mute struct{}

func (mute) Evaluate(context.Context, access.Identity, string) (Evaluation, error) {
	return Evaluation{}, nil
}
func (mute) Ask(context.Context, access.Identity, string, string, []json.RawMessage) (any, error) {
	return nil, nil
}
func (mute) Run(context.Context, access.Identity, string) (Result, error) {
	return Result{}, ErrNoSystemShell
}

// No request to any route, by anyone, gets an answer that the node has failed, and nothing grows.
//
//	go test ./handlers -run TestScan -scan 10m -timeout 15m
func TestScan(t *testing.T) {
	n := startTable(t, self, alone{}, pty.Config{
		Programs: []pty.Program{{Kind: "convoy", Args: []string{"/bin/cat"}}, {Kind: "system", Args: []string{"/bin/cat"}}},
		Max:      4,
	})
	withUsers(t, n)
	grants, err := access.OpenGrants(filepath.Join(t.TempDir(), "access.db"), true)
	testkit.Must(t, err)
	t.Cleanup(func() { grants.Close() })
	n.Authority.Grants, n.Prompt, n.Commands = grants, mute{}, mute{}
	seed := *randomSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	s := &scanner{
		n:      n,
		ids:    map[string][]string{},
		status: map[int]int{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	everyRoute(t, n.publicRoutes(), func(method, route string) { s.routes = append(s.routes, method+" "+route) })
	s.askers = n.scanAskers()
	calm := runtime.NumGoroutine() + 40 // for four shells, and what the first reader starts
	if testing.Short() {
		*scanTime = min(*scanTime, time.Second)
	}
	s.scan(t, min(*scanTime/4, time.Minute), seed) // warm up
	goroutines, memory := s.size(calm)
	s.scan(t, *scanTime, seed+1)
	after, grown := s.size(calm)
	t.Logf("%v; goroutines %d, then %d; memory %d KiB, then %d KiB", s.status, goroutines, after, memory>>10, grown>>10)
	if after > calm {
		buf := make([]byte, 1<<20)
		t.Errorf("goroutines grew to %d:\n%s", after, buf[:runtime.Stack(buf, true)])
	}
	if grown > 2*memory+8<<20 {
		t.Errorf("memory grew from %d KiB to %d KiB", memory>>10, grown>>10)
	}
}
