package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convoy/fleet"
	"convoy/internal/testkit"
)

// storeFD is a predecessor's connection to the test's store.
const storeFD = 3

func init() { behaviours["predecessor"], behaviours["talks"] = bePredecessor, beTalker }

// store is a Keeper in the test's process, which becomes the parent of what a predecessor leaves.
type store struct {
	mu   sync.Mutex
	kept []Kept
}

// put is what a predecessor sends to the store, with the files.
type put struct {
	ID   string
	Pid  int
	Data []byte
	Drop bool
}

// sender is a predecessor's Keeper.
type sender struct{ socket *net.UnixConn }

func (s sender) send(m put, files []*os.File) error {
	packet, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var fds []int
	for _, f := range files {
		conn, err := f.SyscallConn()
		if err == nil {
			err = conn.Control(func(fd uintptr) { fds = append(fds, int(fd)) })
		}
		if err != nil {
			return err
		}
	}
	_, _, err = s.socket.WriteMsgUnix(packet, unix.UnixRights(fds...), nil)
	return err
}

func (s sender) Keep(k Kept) error { return s.send(put{ID: k.ID, Pid: k.Pid, Data: k.Data}, k.Files) }

func (s sender) Drop(id string) { _ = s.send(put{ID: id, Drop: true}, nil) }

func (s sender) Wait(context.Context, int) (syscall.WaitStatus, error) {
	return 0, errors.New("it has no predecessor")
}

// receive stores what arrives, until the predecessor has ended.
func (s *store) receive(socket *net.UnixConn) {
	defer socket.Close()
	packet, rights := make([]byte, 8<<10), make([]byte, 256)
	for {
		n, oob, _, _, err := socket.ReadMsgUnix(packet, rights)
		var m put
		if err != nil || json.Unmarshal(packet[:n], &m) != nil {
			return
		}
		k := Kept{ID: m.ID, Pid: m.Pid, Data: m.Data}
		messages, _ := unix.ParseSocketControlMessage(rights[:oob])
		for i := range messages {
			fds, _ := unix.ParseUnixRights(&messages[i])
			for _, fd := range fds {
				k.Files = append(k.Files, os.NewFile(uintptr(fd), m.ID))
			}
		}
		if s.Drop(m.ID); !m.Drop {
			s.mu.Lock()
			s.kept = append(s.kept, k)
			s.mu.Unlock()
		}
	}
}

// Keep implements Keeper.
func (s *store) Keep(k Kept) error {
	files, err := duplicate(k.Files)
	if err != nil {
		return err
	}
	s.Drop(k.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	k.Files = files
	s.kept = append(s.kept, k)
	return nil
}

// Drop implements Keeper.
func (s *store) Drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(k Kept) bool {
		if k.ID == id {
			closeAll(k.Files)
		}
		return k.ID == id
	})
}

// Wait implements Keeper.
func (s *store) Wait(ctx context.Context, pid int) (status syscall.WaitStatus, err error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if found, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); found != 0 {
			return status, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// entries returns the entries, with files for a successor.
func (s *store) entries(t *testing.T) (all []Kept) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		files, err := duplicate(k.Files)
		testkit.Must(t, err)
		k.Files = files
		all = append(all, k)
	}
	return all
}

// find returns an entry, as soon as it is there.
func (s *store) find(t *testing.T, id string) (found Kept) {
	t.Helper()
	testkit.Eventually(t, "the store has "+id, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		i := slices.IndexFunc(s.kept, func(k Kept) bool { return k.ID == id })
		if i >= 0 {
			found = s.kept[i]
		}
		return i >= 0
	})
	return found
}

func duplicate(files []*os.File) (all []*os.File, err error) {
	for _, f := range files {
		conn, err := f.SyscallConn()
		if err != nil {
			return all, err
		}
		fd := -1
		if err := conn.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
			return all, err
		}
		if err != nil {
			return all, err
		}
		all = append(all, os.NewFile(uintptr(fd), f.Name()))
	}
	return all, nil
}

// predecessor is a process with a provider, which the test kills.
type predecessor struct {
	t        *testing.T
	cmd      *exec.Cmd
	commands io.Writer
	answers  *bufio.Reader
	store    *store
	received chan struct{} // closed when the store has all that it sent
}

// startPredecessor starts a process whose provider's nodes behave that way.
func startPredecessor(t *testing.T, how string) *predecessor {
	t.Helper()
	testkit.Must(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	testkit.Must(t, err)
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	testkit.Must(t, err)
	p := &predecessor{t: t, store: &store{}, received: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0], "child", "predecessor", how)
	p.cmd.ExtraFiles, p.cmd.Stderr = []*os.File{theirs}, os.Stderr
	p.commands, err = p.cmd.StdinPipe()
	testkit.Must(t, err)
	out, err := p.cmd.StdoutPipe()
	testkit.Must(t, err)
	p.answers = bufio.NewReader(out)
	testkit.Must(t, p.cmd.Start())
	go func() {
		defer close(p.received)
		p.store.receive(conn.(*net.UnixConn))
	}()
	t.Cleanup(func() {
		p.kill()
		for _, k := range p.store.entries(t) {
			closeAll(k.Files)
			p.store.Drop(k.ID)
			if k.Pid > 0 {
				p.store.Wait(testkit.Context(t), k.Pid) //nolint:errcheck // nothing is left
			}
		}
	})
	return p
}

// do makes the predecessor do something, and returns its answer.
func (p *predecessor) do(command string) string {
	p.t.Helper()
	_, err := fmt.Fprintln(p.commands, command)
	testkit.Must(p.t, err)
	answer, err := p.answers.ReadString('\n')
	testkit.Must(p.t, err)
	return strings.TrimSpace(answer)
}

// kill kills the predecessor, if it still runs, and returns when the store has all that it sent.
func (p *predecessor) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	p.cmd.Wait()         //nolint:errcheck // as above
	<-p.received
}

// bePredecessor runs a provider that does what standard input says: "spawn LABEL" answers with the node's pid, "try
// LABEL" when that has a process, "dns" with the server's address, and "leave" ends it.
func bePredecessor() int {
	conn, err := net.FileConn(os.NewFile(storeFD, "store"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p := New(Config{
		Self: self, Loopback: netip.IPv6Loopback(),
		Executable: os.Args[0], Args: []string{"child", os.Args[3]},
		Child:  func(name string) ([]byte, error) { return tell(told{Name: name}) },
		Keeper: sender{conn.(*net.UnixConn)},
	})
	if err := p.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		what, label, _ := strings.Cut(commands.Text(), " ")
		name := p.NodeName(label)
		switch what {
		case "spawn":
			if err := p.Spawn(context.Background(), name, noStep); err != nil {
				fmt.Println(err)
				continue
			}
			fmt.Println(p.children[name].pid)
		case "try":
			go p.Spawn(context.Background(), name, func(s fleet.Step) { //nolint:errcheck // the test kills this
				if s.Name == listeningStep && s.Ended.IsZero() {
					fmt.Println("started")
				}
			})
		case "dns":
			fmt.Println(p.DNS())
		case "leave":
			err := p.Leave(context.Background())
			fmt.Println("left", err)
			return 0
		}
	}
	return 1
}

// read returns what the predecessor has read of a node's standard error.
func (p *predecessor) read(node string) string {
	text := make([]byte, 1<<10)
	n, _ := p.store.find(p.t, node).Files[3].ReadAt(text, 0) //nolint:errcheck // the end of the file
	return string(text[:n])
}

// successor returns a provider that has adopted what a killed predecessor left.
func (p *predecessor) successor(how string) *Provider {
	p.t.Helper()
	next := New(Config{
		Self: self, Loopback: netip.IPv6Loopback(),
		Executable: os.Args[0], Args: []string{"child", how},
		Child:  func(name string) ([]byte, error) { return tell(told{Name: name}) },
		Keeper: p.store,
	})
	next.Adopt(p.store.entries(p.t))
	testkit.Must(p.t, next.Start(p.t.Context()))
	p.t.Cleanup(func() { closeProvider(p.t, next) })
	return next
}

// beTalker behaves like a node that does what its parent says after the configuration: "say WORDS" on standard error,
// without an end of the line for "begin WORDS", and "die".
func beTalker() int {
	if _, err := readLine(os.Stdin, childBytes); err != nil {
		return 1
	}
	if err := WriteReady(Ready{Gossip: 4711, Call: 4712, Console: 4713}); err != nil {
		return 1
	}
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		switch what, words, _ := strings.Cut(commands.Text(), " "); what {
		case "say":
			fmt.Fprintln(os.Stderr, words)
		case "begin":
			fmt.Fprint(os.Stderr, words)
		case "die":
			return 3
		}
	}
	return 0
}
