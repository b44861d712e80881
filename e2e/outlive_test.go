package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

var (
	outliveRuns = flag.Int("outlive-runs", 24, "runs of TestShells_OutliveTheirNode")
	outliveSeed = flag.Uint64("outlive-seed", 0, "its first run's seed; 0: any")
)

const (
	outliveWorkers = 24
	outliveWindow  = 64 << 10 // of the streams, in bytes
)

// talker is the argument with which the test binary is a program that counts aloud, at random speeds, and repeats each
// line that it reads: "o 1", "i text".
const talker = "talker"

func talk() {
	raw := exec.Command("stty", "raw", "-echo")
	raw.Stdin = os.Stdin
	raw.Run() //nolint:errcheck // the test sees it
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format, args...)
	}
	go func() {
		for n := 1; ; n++ {
			say("o %d\r\n", n)
			switch pause := rand.IntN(200); {
			case pause == 0:
				<-time.After(time.Duration(rand.IntN(20)) * time.Millisecond)
			case pause < 60:
				<-time.After(time.Millisecond)
			}
		}
	}()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		say("i %s\r\n", in.Text())
	}
}

// Nodes are killed and upgraded at random while programs print and people type: every byte of output arrives once, at
// its offset, and everything typed once and in order, but for one input at most of each shell that was being written at
// a kill. The programs notice nothing. For more runs, or to repeat them:
//
//	go test ./e2e -run OutliveTheirNode -outlive-runs 1000 -timeout 1h
func TestShells_OutliveTheirNode(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("nodes have a supervisor on Linux only")
	}
	seed := *outliveSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	n := startTalkers(t, "outlive.test", "-shell", os.Args[0]+" "+talker)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var begun, lost atomic.Int64
	var disturber, workers sync.WaitGroup
	disturber.Go(func() { n.disturb(ctx, seed) })
	for range min(outliveWorkers, *outliveRuns) {
		workers.Go(func() {
			for i := begun.Add(1); i <= int64(*outliveRuns) && !t.Failed(); i = begun.Add(1) {
				missing, err := n.outlives(ctx, rand.New(rand.NewPCG(seed, uint64(i))))
				if err != nil {
					t.Errorf("-outlive-seed %d: run %d: %v", seed, i, err)
				}
				lost.Add(int64(missing))
			}
		})
	}
	workers.Wait()
	cancel()
	disturber.Wait()
	t.Logf("%d runs, %d ends of a node, %d inputs lost", *outliveRuns, n.ends.Load(), lost.Load())
}

// disturb ends the node at random moments until ctx ends: it is killed, or replaced by an upgrade.
func (n *talkers) disturb(ctx context.Context, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	for ctx.Err() == nil {
		before := n.node(ctx)
		if _, err := n.Nodes(ctx); err != nil || n.node(ctx) != before {
			continue // it does not serve yet
		}
		select {
		case <-time.After(time.Duration(random.IntN(400)) * time.Millisecond):
		case <-ctx.Done():
			return
		}
		pid, signal := before, syscall.SIGKILL
		if random.IntN(3) > 0 {
			pid, signal = n.cmd.Process.Pid, syscall.SIGUSR2
		}
		for n.node(ctx) == before { // a node that starts is not upgraded
			syscall.Kill(pid, signal) //nolint:errcheck // it may have ended
			<-time.After(100 * time.Millisecond)
		}
		n.ends.Add(1)
	}
}

// outlives types into a shell of its own until two nodes have ended, and reads what comes. missing is the number of
// inputs that were not written.
func (n *talkers) outlives(ctx context.Context, random *rand.Rand) (missing int, err error) {
	shell, err := n.open(ctx)
	if err != nil {
		return 0, err
	}
	c := client.New(n.Base, testToken)
	defer c.Close()
	page := c.AttachResilient(ctx, shell, 0, outliveWindow)
	defer page.Close()
	if _, err := page.ReachText("o 1\r\n"); err != nil { // the terminal is raw
		return 0, err
	}
	inputs := 0
	for until := n.ends.Load() + 2; n.ends.Load() < until && ctx.Err() == nil; inputs++ {
		page.Type(fmt.Appendf(nil, "%d\n", inputs))
		<-time.After(time.Duration(random.IntN(30)) * time.Millisecond) // people pause
	}
	got, err := page.ReachText("i " + strconv.Itoa(inputs-1) + "\r\n")
	if err != nil {
		at := max(0, bytes.LastIndex(got, []byte("i ")))
		return 0, fmt.Errorf("%d inputs: %w; the last read was %.20q", inputs, err, got[at:])
	}
	if missing, err = checkTalk(got); err != nil {
		return missing, err
	}
	if most := page.Streams(); missing > most { // at most one for each node that the page has seen
		return missing, fmt.Errorf("%d of %d inputs are lost, with %d streams", missing, inputs, most)
	}
	return missing, n.removed(ctx, shell)
}

// checkTalk checks that nothing of a talker's output is missing, doubled or out of order, and counts inputs that it did
// not read.
func checkTalk(got []byte) (missing int, err error) {
	out, in := 0, -1
	for line := range bytes.Lines(got[:bytes.LastIndexByte(got, '\n')+1]) {
		what, text, _ := strings.Cut(strings.TrimSuffix(string(line), "\r\n"), " ")
		number, numberErr := strconv.Atoi(text)
		switch {
		case what == "o" && number == out+1:
			out++
		case what == "i" && numberErr == nil && number > in:
			missing += number - in - 1
			in = number
		default:
			return missing, fmt.Errorf("%q follows output %d and input %d", line, out, in)
		}
	}
	return missing, nil
}

// talkers is a node in a process of its own, with the supervisor that starts it again.
type talkers struct {
	process
	ends atomic.Int64 // of nodes, by disturb
}

// startTalkers starts a node that spawns no others; the test's end stops it.
func startTalkers(t *testing.T, host string, args ...string) *talkers {
	t.Helper()
	args = append(aloneArgs(host), append(args, "-addr", "localhost:0", "-system-shell", "first", "-data", t.TempDir())...)
	if os.Geteuid() == 0 {
		args = append(args, "-system-user", "root") // who alone may execute what go test builds
	}
	cmd := exec.Command(os.Args[0], args...)
	return &talkers{process: process{startCommand(t, cmd), cmd}}
}

// node returns the pid of the node, once there is one.
func (n *talkers) node(ctx context.Context) (pid int) {
	for ctx.Err() == nil {
		if pid = testkit.NodeOf(n.cmd.Process.Pid); pid != n.cmd.Process.Pid {
			return pid
		}
		<-time.After(time.Millisecond)
	}
	return 0
}

// open opens a shell, as often as it takes.
func (n *talkers) open(ctx context.Context) (s client.Shell, err error) {
	for ctx.Err() == nil {
		if s, err = n.Open(ctx, "convoy@outlive.test"); err == nil {
			return s, nil
		}
	}
	return s, err
}

// removed closes a shell, as often as it takes.
func (n *talkers) removed(ctx context.Context, s client.Shell) error {
	for ctx.Err() == nil {
		err := n.Do(ctx, http.MethodDelete, s.Path(), nil, nil)
		if p, refused := errors.AsType[*client.Problem](err); err == nil || refused && p.Status == http.StatusNotFound {
			return nil
		}
	}
	return ctx.Err()
}
