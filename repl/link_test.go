package repl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"convoy/internal/testkit"
	"convoy/repl/wire"
)

// nodeArg makes a child process a node: descriptor 3 is its end of a control socket.
const nodeArg = "be-a-node"

func init() { children[nodeArg] = runNode }

// runNode serves a connection: "pid" is this process, and "kill" with that kills it.
func runNode() int {
	conn, err := wire.Offer(os.NewFile(3, "control"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	wire.New(conn, func(_ context.Context, fn string, args []json.RawMessage) (any, error) {
		if fn == "kill" && string(args[0]) == strconv.Itoa(os.Getpid()) {
			return nil, syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return os.Getpid(), nil
	}).Serve(context.Background()) //nolint:errcheck // it is killed
	return 0
}

// openLink returns a link whose control socket the test holds.
func openLink(t *testing.T, patience time.Duration) (l *Link, control *os.File) {
	t.Helper()
	control, theirs, err := wire.ControlPair("a node")
	testkit.Must(t, err)
	defer theirs.Close()
	fd, err := syscall.Dup(int(theirs.Fd()))
	testkit.Must(t, err)
	l, err = OpenLink(fd)
	testkit.Must(t, err)
	l.patience = patience
	var serving sync.WaitGroup
	serving.Go(func() { l.Serve(context.Background()) })
	t.Cleanup(func() { control.Close(); serving.Wait() })
	return l, control
}

// startNode starts a process with the node's end of a control socket.
func startNode(t *testing.T, control *os.File) *exec.Cmd {
	t.Helper()
	node := exec.Command(os.Args[0], nodeArg)
	node.ExtraFiles, node.Stderr = []*os.File{control}, os.Stderr
	testkit.Must(t, node.Start())
	t.Cleanup(func() {
		node.Process.Kill() //nolint:errcheck // it may have ended
		node.Wait()         //nolint:errcheck // it was killed
	})
	return node
}

// A node's process is killed during many calls: each ends with the reason, or is made with the next process.
func TestLink_NodeIsKilled(t *testing.T) {
	t.Parallel()
	l, control := openLink(t, testkit.Patience)
	first := startNode(t, control)
	pid := json.RawMessage(strconv.Itoa(first.Process.Pid))
	if got, err := l.Call(t.Context(), "pid"); err != nil || string(got) != string(pid) {
		t.Fatalf("Call = %s, %v, want %s", got, err, pid)
	}
	var calls sync.WaitGroup
	var cut int
	var mu sync.Mutex
	for range 50 {
		calls.Go(func() {
			_, err := l.Call(t.Context(), "kill", pid)
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, errCut) {
				cut++
			} else if err != nil {
				t.Errorf("a call while the node is killed: %v", err)
			}
		})
	}
	first.Wait() //nolint:errcheck // it is killed
	second := startNode(t, control)
	calls.Wait()
	if cut == 0 {
		t.Error("no call was cut off")
	}
	if got, err := l.Call(t.Context(), "pid"); err != nil || string(got) != strconv.Itoa(second.Process.Pid) {
		t.Errorf("Call = %s, %v, want %d", got, err, second.Process.Pid)
	}
}

// Calls do not wait forever for a node, and end with their context.
func TestLink_NoNode(t *testing.T) {
	t.Parallel()
	l, _ := openLink(t, time.Millisecond)
	l.setBusy(true) // there is nobody to tell
	if _, err := l.Call(t.Context(), "pid"); !errors.Is(err, errAbsent) {
		t.Errorf("a call without a node: %v", err)
	}
	l, _ = openLink(t, testkit.Patience)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Call(ctx, "pid"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
}

// What is no control socket is refused.
func TestOpenLink_Refuses(t *testing.T) {
	t.Parallel()
	file, err := os.Open(os.DevNull)
	testkit.Must(t, err)
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	testkit.Must(t, err)
	if _, err := OpenLink(fd); err == nil {
		t.Error("a file is a control socket")
	}
	if _, err := OpenLink(-1); err == nil {
		t.Error("nothing is a control socket")
	}
}
