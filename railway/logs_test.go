package railway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"convoy/internal/railwaytest"
)

// tail reads a node's log until ctx or stop.
type tail struct {
	mu    sync.Mutex
	lines []Line
	err   error
	done  chan struct{}
}

func (k *kit) tail(ctx context.Context) *tail {
	l := &tail{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for line, err := range k.p.Tail(ctx, nodeName) {
			l.mu.Lock()
			if l.err = err; err == nil {
				l.lines = append(l.lines, line)
			}
			l.mu.Unlock()
		}
	}()
	return l
}

func (l *tail) texts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var texts []string
	for _, line := range l.lines {
		texts = append(texts, line.Message)
	}
	return texts
}

var wholeLog = []string{"fetching modules", "compiling", "linking", "pushed", "node started"}

func buildScript(string, int) []railwaytest.Stage { return railwaytest.Build() }

func TestLogs_BuildThenDeploy(t *testing.T) {
	for _, sockets := range []bool{true, false} {
		inBubble(t, railwaytest.Options{Script: buildScript, NoSockets: !sockets}, nil, func(t *testing.T, k *kit) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			spawned := make(chan error, 1)
			go func() { spawned <- k.spawn() }()
			synctest.Wait()
			l := k.tail(ctx)
			pass(30 * time.Second)
			if got := l.texts(); sockets && !slices.Equal(got, wholeLog[:3]) {
				t.Errorf("while it is built lines are %q, want %q", got, wholeLog[:3])
			}
			if err := <-spawned; err != nil {
				t.Fatal(err)
			}
			pass(time.Minute)
			if got := l.texts(); !slices.Equal(got, wholeLog) {
				t.Errorf("sockets %v: lines are %q, want %q", sockets, got, wholeLog)
			}
			for i, line := range l.lines {
				if line.Build != (i < 4) || line.Level != slog.LevelInfo || line.Time.IsZero() {
					t.Errorf("line %d is %+v", i, line)
				}
			}
			cancel()
			<-l.done
		})
	}
}

func TestLogs_SocketsBreak(t *testing.T) {
	for name, trouble := range map[string]func(k *kit){
		"dropped":   func(k *kit) { k.s.Drop() },
		"completed": func(k *kit) { k.s.Complete() },
		"refused":   func(k *kit) { k.s.Fail("followBuildLog", railwaytest.Fault{Message: "build is queued"}); k.s.Drop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, railwaytest.Options{Script: buildScript}, nil, func(t *testing.T, k *kit) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				spawned := make(chan error, 1)
				go func() { spawned <- k.spawn() }()
				synctest.Wait()
				l := k.tail(ctx)
				for range 8 {
					pass(5 * time.Second)
					trouble(k)
				}
				if err := <-spawned; err != nil {
					t.Fatal(err)
				}
				pass(2 * time.Minute)
				if got := l.texts(); !slices.Equal(got, wholeLog) {
					t.Errorf("lines are %q, want %q", got, wholeLog)
				}
				cancel()
				<-l.done
			})
		})
	}
}

func TestLogs_OfAFailedBuild(t *testing.T) {
	script := func(string, int) []railwaytest.Stage {
		return append(
			railwaytest.Build()[:3:3],
			railwaytest.Stage{
				After:  time.Second,
				Status: "FAILED",
				Fails:  "BUILD_IMAGE",
				Error:  "exit code 1",
				Build:  []string{"error: undefined: x"},
			},
		)
	}
	inBubble(t, railwaytest.Options{Script: script}, nil, func(t *testing.T, k *kit) {
		if err := k.spawn(); err == nil {
			t.Fatal("the spawn went well")
		}
		ctx, cancel := context.WithCancel(t.Context())
		l := k.tail(ctx)
		pass(time.Minute)
		cancel()
		<-l.done
		if n := len(l.lines); n != 2 || l.lines[1].Level != slog.LevelError || l.lines[1].Message != "error: undefined: x" {
			t.Errorf("lines are %+v", l.lines)
		}
	})
}

func TestLogs_NewDeploymentTakesOver(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.mustSpawn()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := k.tail(ctx)
		pass(time.Second)
		k.s.Deploy("convoy-k3fz")
		pass(5 * time.Minute)
		if got := l.texts(); len(got) != 2 {
			t.Errorf("lines are %q, want one of each deployment", got)
		}
		cancel()
		<-l.done
	})
}

func TestLogs_UnknownNode(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		pass(time.Second)
		l := k.tail(t.Context())
		<-l.done
		if !errors.Is(l.err, ErrUnknown) {
			t.Errorf("error is %v, want %v", l.err, ErrUnknown)
		}
	})
}

func TestCursor_Advance(t *testing.T) {
	line := func(at int, text string) logFields {
		return logFields{Timestamp: time.Date(2026, 11, 22, 12, 0, at, 0, time.UTC).Format(time.RFC3339Nano), Message: text}
	}
	tests := []struct {
		name    string
		batches [][]logFields
		want    string
	}{
		{"once", [][]logFields{{line(1, "a"), line(2, "b")}}, "a b"},
		{"repeated", [][]logFields{{line(1, "a"), line(2, "b")}, {line(1, "a"), line(2, "b"), line(3, "c")}}, "a b c"},
		{"same moment", [][]logFields{{line(1, "a"), line(1, "b")}, {line(1, "a"), line(1, "b"), line(1, "c")}}, "a b c"},
		{"same words", [][]logFields{{line(1, "a"), line(1, "a")}, {line(2, "a")}}, "a a a"},
		{"out of order", [][]logFields{{line(2, "b"), line(1, "a")}}, "a b"},
		{"older ones", [][]logFields{{line(5, "a")}, {line(1, "old"), line(6, "b")}}, "a b"},
		{"no time", [][]logFields{{line(1, "a"), {Timestamp: "?", Message: "old"}, line(2, "b")}}, "old a b"},
	}
	for _, test := range tests {
		c := cursor{deployment: "d"}
		var got []string
		for _, batch := range test.batches {
			for _, l := range c.advance(batch) {
				got = append(got, l.Message)
			}
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s: %q, want %q", test.name, text, test.want)
		}
	}
}

// TestTail_WaitsForTheNextDeployment: the log of a failed node stays open in a card, and costs no calls.
func TestTail_WaitsForTheNextDeployment(t *testing.T) {
	script := func(_ string, n int) []railwaytest.Stage {
		if n > 1 {
			return railwaytest.Image()
		}
		return []railwaytest.Stage{{Status: "FAILED", Build: []string{"error: undefined: x"}}}
	}
	inBubble(t, railwaytest.Options{Script: script}, nil, func(t *testing.T, k *kit) {
		if err := k.spawn(); err == nil {
			t.Fatal("the spawn went well")
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := k.tail(ctx)
		pass(time.Minute)
		before := k.s.Count("buildLog", "deployLog", "followBuildLog", "followDeployLog")
		pass(time.Hour)
		if n := k.s.Count("buildLog", "deployLog", "followBuildLog", "followDeployLog"); n != before {
			t.Errorf("%d calls in an hour for a log that is over, want none", n-before)
		}
		k.s.Deploy("convoy-k3fz")
		pass(5 * time.Minute)
		if got := l.texts(); !slices.Equal(got, []string{"error: undefined: x", "node started"}) {
			t.Errorf("lines are %q, want one of each deployment", got)
		}
		k.s.Delete("convoy-k3fz")
		pass(5 * time.Minute)
		<-l.done
	})
}
