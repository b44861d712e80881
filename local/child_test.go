package local

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy/fleet"
	"convoy/internal/testkit"
)

// The test binary is also the child: as "child BEHAVIOUR".
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		os.Exit(behave(os.Args[2]))
	}
	goleak.VerifyTestMain(m)
}

const (
	self   = "convoy@convoy.convoy.internal"
	cookie = "the-cookie-that-nobody-may-see-0123456789"
	token  = "the-token-that-nobody-may-see"
)

// behaviours are those of tests for some systems.
var behaviours = map[string]func() int{}

// behave is the child's program. It returns the exit status.
func behave(how string) int {
	if be := behaviours[how]; be != nil {
		return be()
	}
	switch how {
	case "node":
		return beNode()
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		return beNode()
	case "parent":
		return beParent()
	case "dies":
		fmt.Println("this is output")
		fmt.Fprintln(os.Stderr, "some words before")
		fmt.Fprintln(os.Stderr, "convoy: error: address [::1]:4444 is in use")
		fmt.Fprintln(os.Stderr, "convoy: hint: choose another with -port")
		return 3
	case "panics":
		panic("at the disco")
	case "mute":
		fmt.Fprintln(os.Stderr, "still waiting for DNS")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	case "babbles":
		f := os.NewFile(readyFD, "")
		fmt.Fprintln(f, "hello parent")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	case "leaves":
		return leaveSomebody()
	}
	return 2
}

// told is the configuration of these tests' children.
type told struct {
	Name, Cookie, Token, Socket string
}

// tell returns a child's line.
func tell(what told) ([]byte, error) { return json.Marshal(what) }

// beNode behaves like a node towards its parent. Given a socket, it holds a connection to it while it lives.
func beNode() int {
	line, err := ReadChild(os.Stdin)
	var c told
	if err == nil {
		err = json.Unmarshal(line, &c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if c.Socket != "" {
		if _, err := net.Dial("unix", c.Socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if err := WriteReady(Ready{Gossip: 4711, Call: 4712, Console: 4713}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// beParent spawns two nodes and waits to be killed.
func beParent() int {
	p := New(Config{
		Self: self, Loopback: netip.IPv6Loopback(),
		Executable: os.Args[0], Args: []string{"child", "node"},
		Child: func(name string) ([]byte, error) { return tell(told{Name: name, Socket: os.Args[3]}) },
	})
	if err := p.Start(context.Background()); err != nil {
		fmt.Println(err)
		return 1
	}
	for _, label := range []string{"one", "two"} {
		if err := p.Spawn(context.Background(), p.NodeName(label), func(fleet.Step) {}); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	fmt.Println("ready")
	select {}
}

// leaveSomebody ends at once, but starts a process that keeps its output and ready pipe open.
func leaveSomebody() int {
	heir := exec.Command("sleep", "60")
	heir.Stderr = os.Stderr
	heir.ExtraFiles = []*os.File{os.NewFile(readyFD, "")}
	if err := heir.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintln(os.Stderr, "convoy: error:", heir.Process.Pid)
	return 1
}

// start returns a running provider whose children behave that way.
func start(t *testing.T, args ...string) *Provider {
	t.Helper()
	p := New(Config{
		Self: self, Loopback: netip.IPv6Loopback(),
		Executable: os.Args[0], Args: append([]string{"child"}, args...),
		Child: func(name string) ([]byte, error) { return tell(told{Name: name, Cookie: cookie, Token: token}) },
		Log:   slog.New(slog.DiscardHandler),
	})
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeProvider(t, p) })
	return p
}

func closeProvider(t *testing.T, p *Provider) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		t.Errorf("Close() = %v", err)
	}
}

// spawn spawns a node, which must succeed.
func spawn(t *testing.T, p *Provider, label string) (name string, pid int) {
	t.Helper()
	name = p.NodeName(label)
	if err := p.Spawn(t.Context(), name, func(fleet.Step) {}); err != nil {
		t.Fatal(err)
	}
	return name, pidOf(t, p, name)
}

func pidOf(t *testing.T, p *Provider, name string) int {
	t.Helper()
	list, _ := p.services()
	for _, s := range list {
		if number, ok := strings.CutPrefix(s.ID, "pid "); ok && s.Name == name {
			pid, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no process for %q in %+v", name, list)
	return 0
}

// wait waits until the services are as wanted.
func wait(t *testing.T, p *Provider, what string, ok func([]fleet.Service) bool) []fleet.Service {
	t.Helper()
	end := time.After(testkit.Patience)
	for {
		list, changed := p.services()
		if ok(list) {
			return list
		}
		select {
		case <-changed:
		case <-end:
			t.Fatalf("waited for %s, have %+v", what, list)
		}
	}
}

func waitEnded(t *testing.T, p *Provider, name string) fleet.Service {
	t.Helper()
	var found fleet.Service
	wait(t, p, "end of "+name, func(list []fleet.Service) bool {
		i := slices.IndexFunc(list, func(s fleet.Service) bool { return s.Name == name && !s.Running })
		if i >= 0 {
			found = list[i]
		}
		return i >= 0
	})
	return found
}

// readLineWithin reads a line or fails the test.
func readLineWithin(t *testing.T, r io.Reader) string {
	t.Helper()
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(r).ReadString('\n')
		lines <- line
	}()
	select {
	case line := <-lines:
		return strings.TrimSpace(line)
	case <-time.After(testkit.Patience):
		t.Fatal("no line came")
		return ""
	}
}
