package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/testkit"
)

func TestSpawn_NameIsInTheZone(t *testing.T) {
	p := New(Config{Self: "base@somewhere.else"})
	if got := p.NodeName("convoy-k3fz"); got != "base@convoy-k3fz.convoy.internal" {
		t.Errorf("NodeName() = %q", got)
	}
}

func TestSpawn_Steps(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	var steps []string
	err := p.Spawn(t.Context(), p.NodeName("one"), func(s fleet.Step) {
		if s.At.IsZero() || s.Error != "" {
			t.Errorf("step is %+v", s)
		}
		steps = append(steps, fmt.Sprintf("%s %t", s.Name, !s.Ended.IsZero()))
	})
	want := []string{"starting process false", "starting process true", "listening false", "listening true"}
	if err != nil || !slices.Equal(steps, want) {
		t.Errorf("Spawn() = %v with steps %q, want %q", err, steps, want)
	}
	list, _ := p.services()
	if len(list) != 1 || list[0].Name != p.NodeName("one") || !list[0].Running || list[0].Message != "" {
		t.Errorf("services are %+v", list)
	}
}

func TestSpawn_Fails(t *testing.T) {
	tests := []struct {
		how     string
		step    string // the step that fails
		message string
	}{
		{"dies", listeningStep, "process ended: exit status 3: address [::1]:4444 is in use (choose another with -port)"},
		{"panics", listeningStep, "process ended: exit status 2: at the disco"},
		{"mute", listeningStep, "it did not report within 10s that it listens: still waiting for DNS"},
		{"babbles", listeningStep, "read its answer on descriptor 3: line is not a JSON object"},
	}
	for _, test := range tests {
		t.Run(test.how, func(t *testing.T) {
			t.Parallel()
			p := start(t, test.how)
			if test.how == "mute" {
				p.readyTimeout = 10 * time.Second // for a busy machine to start it, and for its output
			}
			var last fleet.Step
			name := p.NodeName("one")
			err := p.Spawn(t.Context(), name, func(s fleet.Step) { last = s })
			if err == nil || err.Error() != test.message {
				t.Errorf("Spawn() = %v, want %s", err, test.message)
			}
			if last.Name != test.step || last.Error != test.message || last.Ended.IsZero() {
				t.Errorf("last step is %+v, want %s to fail with that message", last, test.step)
			}
			waitEnded(t, p, name)
			if err := p.Retire(t.Context(), name, func(fleet.Step) { t.Error("nothing was left to be stopped") }); err != nil {
				t.Errorf("Retire() = %v", err)
			}
			if list, _ := p.services(); len(list) != 0 {
				t.Errorf("after Retire: %+v", list)
			}
		})
	}
}

func TestSpawn_WithoutAProgram(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.cfg.Executable = filepath.Join(t.TempDir(), "missing")
	var last fleet.Step
	err := p.Spawn(t.Context(), p.NodeName("one"), func(s fleet.Step) { last = s })
	if !errors.Is(err, os.ErrNotExist) || last.Name != startingStep || last.Error == "" {
		t.Errorf("Spawn() = %v with last step %+v, want the first step to fail", err, last)
	}
	if list, _ := p.services(); len(list) != 0 {
		t.Errorf("services are %+v, want none", list)
	}
}

func TestSpawn_ConfigTooLarge(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	p.cfg.Child = func(name string) ([]byte, error) {
		return tell(told{Name: name, Socket: strings.Repeat("x", childBytes)})
	}
	if err := p.Spawn(t.Context(), p.NodeName("one"), func(fleet.Step) {}); err == nil {
		t.Error("Spawn() accepted too large a configuration")
	}
	waitEnded(t, p, p.NodeName("one"))
}

func TestSpawn_NoConfig(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	nothing := errors.New("there is nothing to tell")
	p.cfg.Child = func(string) ([]byte, error) { return nil, nothing }
	if err := p.Spawn(t.Context(), p.NodeName("one"), noStep); !errors.Is(err, nothing) {
		t.Errorf("Spawn() = %v", err)
	}
	waitEnded(t, p, p.NodeName("one"))
}

func TestSpawn_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := start(t, "mute")
	reason := errors.New("the fleet is closed")
	ctx, cancel := context.WithCancelCause(t.Context())
	name := p.NodeName("one")
	err := p.Spawn(ctx, name, func(s fleet.Step) {
		if s.Name == listeningStep {
			cancel(reason)
		}
	})
	if !errors.Is(err, reason) {
		t.Errorf("Spawn() = %v, want the context's cause", err)
	}
	waitEnded(t, p, name)
}

func TestSpawn_SameNameTwice(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	name, pid := spawn(t, p, "one")
	if err := p.Spawn(t.Context(), name, func(fleet.Step) {}); err == nil {
		t.Error("a second Spawn() of one name succeeded")
	}
	if again := pidOf(t, p, name); again != pid {
		t.Errorf("process is %d, want %d still", again, pid)
	}
}

func TestSpawn_ManyAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	const nodes = 8
	var group sync.WaitGroup
	for i := range nodes {
		group.Go(func() {
			if err := p.Spawn(t.Context(), p.NodeName("n"+strconv.Itoa(i)), func(fleet.Step) {}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	_, records, err := p.Resolver().LookupSRV(t.Context(), "", "", p.Query()+".")
	if err != nil || len(records) != nodes {
		t.Errorf("DNS has %d nodes, %v, want %d", len(records), err, nodes)
	}
}

func TestKilledChild(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	name, pid := spawn(t, p, "one")
	if _, err := p.Resolver().LookupNetIP(t.Context(), "ip6", hostOf(name)+"."); err != nil {
		t.Errorf("the node's host: %v", err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if s := waitEnded(t, p, name); s.Message != "process ended: signal: killed" {
		t.Errorf("message is %q", s.Message)
	}
	p.publish(p.children[name], Ready{Gossip: 4711, Call: 4712}) // the report comes late
	var gone *net.DNSError
	if _, err := p.Resolver().
		LookupNetIP(t.Context(), "ip6", hostOf(name)+"."); !errors.As(err, &gone) || !gone.IsNotFound {
		t.Errorf("the host of an ended node: %v, want it gone", err)
	}
}

// TestChildLeavesProcess: a process of the child holds its pipes, and still its end is noticed at once.
func TestChildLeavesProcess(t *testing.T) {
	t.Parallel()
	p := start(t, "leaves")
	err := p.Spawn(t.Context(), p.NodeName("one"), func(fleet.Step) {})
	defer syscall.Kill(-pidOf(t, p, p.NodeName("one")), syscall.SIGKILL) //nolint:errcheck // should the test fail
	number, found := strings.CutPrefix(fmt.Sprint(err), "process ended: exit status 1: ")
	heir, parseErr := strconv.Atoi(number)
	if !found || parseErr != nil {
		t.Fatalf("Spawn() = %v, want the child's exit status and its last line", err)
	}
	if err := syscall.Kill(heir, syscall.SIGKILL); err != nil {
		t.Errorf("the child's own process had gone before: %v", err)
	}
}

func TestRetire(t *testing.T) {
	tests := []struct {
		how   string
		grace time.Duration
	}{
		{"node", killDelay},
		{"deaf", 50 * time.Millisecond}, // by KILL
	}
	for _, test := range tests {
		t.Run(test.how, func(t *testing.T) {
			t.Parallel()
			p := start(t, test.how)
			p.killDelay = test.grace
			name, pid := spawn(t, p, "one")
			var steps []string
			step := func(s fleet.Step) { steps = append(steps, fmt.Sprintf("%s %t", s.Name, !s.Ended.IsZero())) }
			if err := p.Retire(t.Context(), name, step); err != nil {
				t.Fatal(err)
			}
			if want := []string{"stopping process false", "stopping process true"}; !slices.Equal(steps, want) {
				t.Errorf("steps are %q, want %q", steps, want)
			}
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("process %d after Retire: %v, want it gone, and no zombie", pid, err)
			}
			if list, _ := p.services(); len(list) != 0 {
				t.Errorf("services are %+v, want none", list)
			}
			if err := p.Retire(t.Context(), name, step); err != nil || len(steps) != 2 {
				t.Errorf("second Retire() = %v with steps %q", err, steps)
			}
		})
	}
}

func TestClose_EndsAllChildren(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"node", "deaf"} {
		p := start(t, how)
		p.killDelay = 50 * time.Millisecond
		name, one := spawn(t, p, "of-this-test-"+how)
		_, two := spawn(t, p, "two")
		ask := p.Resolver()
		if _, err := ask.LookupHost(t.Context(), hostOf(name)); err != nil {
			t.Errorf("before Close: %v", err)
		}
		closeProvider(t, p)
		for _, pid := range []int{one, two} {
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("process %d after Close: %v, want it gone", pid, err)
			}
		}
		// another process may have the port now, but does not know the name
		if _, err := ask.LookupHost(t.Context(), hostOf(name)); err == nil {
			t.Error("the DNS server still answers after Close")
		}
		if err := p.Spawn(t.Context(), p.NodeName("three"), func(fleet.Step) {}); !errors.Is(err, ErrClosed) {
			t.Errorf("Spawn() after Close = %v, want ErrClosed", err)
		}
		if err := p.Start(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Start() after Close = %v, want ErrClosed", err)
		}
	}
}

func TestClose_DuringASpawn(t *testing.T) {
	t.Parallel()
	p := start(t, "mute")
	err := p.Spawn(t.Context(), p.NodeName("one"), func(s fleet.Step) {
		if s.Name == listeningStep && s.Ended.IsZero() {
			closeProvider(t, p)
		}
	})
	if err == nil || !strings.HasPrefix(err.Error(), "process ended: ") {
		t.Errorf("Spawn() = %v, want the end of the process", err)
	}
}

func TestClose_BeforeStart(t *testing.T) {
	p := New(Config{Self: self})
	if err := p.Spawn(t.Context(), self, func(fleet.Step) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("Spawn() before Start = %v, want ErrClosed", err)
	}
	if _, err := p.Resolver().LookupNetIP(t.Context(), "ip6", "a.convoy.internal."); err == nil {
		t.Error("a resolver without a server resolved something")
	}
	closeProvider(t, p)
}

func TestWatch_ReportsEveryChange(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	ctx, cancel := context.WithCancel(t.Context())
	lists := make(chan []fleet.Service, 100)
	var group sync.WaitGroup
	group.Go(func() { p.Watch(ctx, func(list []fleet.Service) { lists <- list }) })
	defer group.Wait()
	defer cancel()
	until := func(what string, ok func([]fleet.Service) bool) {
		t.Helper()
		for end := time.After(testkit.Patience); ; {
			select {
			case list := <-lists:
				if ok(list) {
					return
				}
			case <-end:
				t.Fatalf("Watch did not tell of %s", what)
			}
		}
	}
	until("nothing", func(l []fleet.Service) bool { return len(l) == 0 })
	name, pid := spawn(t, p, "one")
	until("the node", func(l []fleet.Service) bool { return len(l) == 1 && l[0].Running })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until("its end", func(l []fleet.Service) bool { return len(l) == 1 && !l[0].Running && l[0].Message != "" })
	if err := p.Retire(t.Context(), name, func(fleet.Step) {}); err != nil {
		t.Fatal(err)
	}
	until("its retirement", func(l []fleet.Service) bool { return len(l) == 0 })
}

// TestFleetOnThisMachine uses the real fleet.
func TestFleetOnThisMachine(t *testing.T) {
	t.Parallel()
	p := start(t, "node")
	f := fleet.New(fleet.Config{Self: self, Provider: p, Max: 1, Log: slog.New(slog.DiscardHandler)})
	f.Start(t.Context())
	defer f.Close(context.Background()) //nolint:errcheck // nothing is in progress
	n, err := f.Spawn()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Spawn(); !errors.Is(err, fleet.ErrFull) {
		t.Errorf("second Spawn() = %v, want ErrFull", err)
	}
	until := func(want fleet.Status) fleet.Node {
		t.Helper()
		for end := time.After(testkit.Patience); ; {
			changed := f.Changed()
			got, err := f.Find(n.Name)
			if got.Status == want || (want == "" && errors.Is(err, fleet.ErrNotFound)) {
				return got
			}
			select {
			case <-changed:
			case <-end:
				t.Fatalf("node is %+v, want %s", got, want)
			}
		}
	}
	until(fleet.Joining)
	member := fleet.Member{Name: n.Name, Instance: "1", State: fleet.MemberAlive, Started: time.Now()}
	f.SetMembers([]fleet.Member{member})
	until(fleet.Alive)
	if err := syscall.Kill(pidOf(t, p, n.Name), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := until(fleet.Ended); got.Message != "process ended: signal: killed" || !got.Retirable {
		t.Errorf("killed node is %+v", got)
	}
	if _, err := f.Retire(n.Name); err != nil {
		t.Fatal(err)
	}
	until("")
}
