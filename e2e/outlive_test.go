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
	outliveRuns = flag.Int("outlive-runs", 8, "runs of TestShells_OutliveTheirNode")
	outliveSeed = flag.Uint64("outlive-seed", 0, "its first run's seed; 0: any")
)

const (
	outliveWorkers = 24
	outliveWindow  = 64 << 10 // of the streams, in bytes
)

// talker is the argument with which the test binary is a program that counts aloud, at random speeds, draws something
// after each number, and repeats each line that it reads: "o 1 drawing", "i text".
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
			say("o %d %s\r\n", n, drawing(n))
			switch pause := rand.IntN(200); {
			case pause == 0:
				<-time.After(time.Duration(rand.IntN(20)) * time.Millisecond)
			case pause < 150:
				<-time.After(time.Millisecond)
			}
		}
	}()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		say("i %s\r\n", in.Text())
	}
}

// drawing is what a talker draws after a number. It leaves the cursor anywhere, and most of what a terminal can show.
func drawing(n int) string {
	r := rand.New(rand.NewPCG(uint64(n), 0))
	at := fmt.Sprintf("\x1b[%d;%dH", 1+r.IntN(20), 1+r.IntN(40))
	switch n % 16 {
	case 0:
		return fmt.Sprintf("\x1b[3%d;1;48;5;%dmcolours\x1b[K\x1b[m", r.IntN(8), r.IntN(256))
	case 1:
		return "é漢字 e\u0301 🙂\ttab"
	case 2:
		return "\x1b7" + at + "\x1b[4;38;2;9;99;199mthere\x1b[m\x1b[1K\x1b8"
	case 3:
		return fmt.Sprintf("\x1b[4;%dr%s\x1b[2L\x1bMx\x1b[r\x1b[24;1H", 6+r.IntN(12), at)
	case 4:
		return fmt.Sprintf("\x1b]2;title %d\a\x1b]8;;http://a.test/%d\x1b\\link\x1b]8;;\x1b\\", n, n)
	case 5:
		return strings.Repeat("0123456789", 1+r.IntN(40)) // wraps
	case 6:
		return at + "\x1b[3P\x1b[2@\x1b[2X\x1b[24;1H"
	case 7:
		return "\x1b(0lqqk\x1b(B\x1b[?2004h\x1b[?1h\x1b[?25" + string("lh"[r.IntN(2)])
	case 8:
		if n%160 < 48 { // several numbers are on the other screen
			return "\x1b[?1049h\x1b[2J" + at + "other"
		}
		return "\x1b[?1049l"
	case 9:
		return fmt.Sprintf("\x1b[%dJ\x1b[%dS", r.IntN(3), r.IntN(4))
	}
	return ""
}

// Nodes are killed and upgraded at random while programs print, people type, and windows change: every byte of output
// arrives once, at its offset, and everything typed once and in order, but for one input at most of each shell that was
// being written at a kill. Who comes later gets exactly the screen that xterm.js makes of the whole output. Programs
// notice nothing. For more runs, or to repeat them:
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
	go func() {
		defer close(n.screens)
		workers.Wait()
	}()
	t.Run("xterm.js", func(t *testing.T) { newXterm(t).check(n.screens) })
	for range n.screens { // it was skipped, or has failed
	}
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
	if _, err := page.ReachText("o 2 "); err != nil { // the terminal is raw
		return 0, err
	}
	inputs := 0
	for until := n.ends.Load() + 2; n.ends.Load() < until && ctx.Err() == nil; inputs++ {
		page.Type(fmt.Appendf(nil, "%d\n", inputs))
		if random.IntN(8) == 0 {
			path := fmt.Sprintf("%s/size?rows=%d&cols=%d", shell.Path(), 20+random.IntN(20), 60+random.IntN(60))
			n.Do(ctx, http.MethodPost, path, nil, nil) //nolint:errcheck // no node may run
		}
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
	late, err := n.late(ctx, shell, page)
	if err != nil {
		return missing, err
	}
	n.screens <- late
	return missing, n.removed(ctx, shell)
}

// checkTalk checks that nothing of a talker's output is missing, doubled or out of order, and counts inputs that it did
// not read.
func checkTalk(got []byte) (missing int, err error) {
	out, in := 0, -1
	for line := range bytes.Lines(got[:bytes.LastIndexByte(got, '\n')+1]) {
		what, text, _ := strings.Cut(strings.TrimSuffix(string(line), "\r\n"), " ")
		first, drawn, _ := strings.Cut(text, " ")
		number, numberErr := strconv.Atoi(first)
		switch {
		case what == "o" && number == out+1 && drawn == drawing(number):
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
	ends    atomic.Int64 // of nodes, by disturb
	screens chan screens // of runs that have ended
}

// startTalkers starts a node that spawns no others; the test's end stops it.
func startTalkers(t *testing.T, host string, args ...string) *talkers {
	t.Helper()
	args = append(aloneArgs(host), append(args, "-addr", "localhost:0", "-system-shell", "first", "-data", t.TempDir())...)
	if os.Geteuid() == 0 {
		args = append(args, "-system-user", "root") // who alone may execute what go test builds
	}
	cmd := exec.Command(os.Args[0], args...)
	return &talkers{process: process{startCommand(t, cmd), cmd}, screens: make(chan screens)}
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
