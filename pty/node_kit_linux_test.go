package pty

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
	"convoy/pty/cast"
	"convoy/pty/screen"
)

const nodeEnv = "CONVOY_TEST_NODE"

// nodeConfig configures a process with a table.
type nodeConfig struct {
	Scripts    map[string]string // by kind, for sh; "": the default one
	Ring       int
	Recordings string
	RecordAll  bool
}

// testNode is a process with a table that can be killed.
type testNode struct {
	t     testing.TB
	cmd   *exec.Cmd
	call  *rpc.Client
	heard <-chan struct{} // closed when its keeper has read its last message
}

// start starts a node, which adopts what is kept.
func (k *keepers) start(config nodeConfig) *testNode {
	t := k.t
	t.Helper()
	keeper, itsKeeper := socketpair(t, unix.SOCK_SEQPACKET)
	calls, itsCalls := socketpair(t, unix.SOCK_STREAM)
	text, err := json.Marshal(config)
	testkit.Must(t, err)
	n := &testNode{t: t, cmd: exec.Command(os.Args[0])}
	n.cmd.Env = append(os.Environ(), nodeEnv+"="+string(text))
	n.cmd.ExtraFiles = []*os.File{itsKeeper, itsCalls}
	n.cmd.Stderr = os.Stderr
	testkit.Must(t, n.cmd.Start())
	itsKeeper.Close()
	itsCalls.Close()
	conn, err := net.FileConn(calls)
	testkit.Must(t, err)
	calls.Close()
	n.call = rpc.NewClient(conn)
	n.heard = k.serve(keeper)
	t.Cleanup(n.kill)
	n.must("Ready", 0, new(int))
	return n
}

// kill kills the node with SIGKILL and waits for its end, and for what it has kept until then.
func (n *testNode) kill() {
	n.cmd.Process.Kill()
	n.cmd.Wait()
	<-n.heard
	n.call.Close()
}

// leave makes the node leave its shells and end.
func (n *testNode) leave() {
	n.t.Helper()
	n.must("Leave", 0, new(int))
	n.kill()
}

func (n *testNode) try(method string, args, reply any) error {
	call := n.call.Go("Node."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		return call.Error
	case <-time.After(testkit.Patience):
		return fmt.Errorf("%s takes too long", method)
	}
}

func (n *testNode) must(method string, args, reply any) {
	n.t.Helper()
	if err := n.try(method, args, reply); err != nil {
		n.t.Fatalf("%s: %v", method, err)
	}
}

func (n *testNode) open(kind string) (id string) {
	n.t.Helper()
	n.must("Open", kind, &id)
	return id
}

func (n *testNode) list() (infos []Info) {
	n.t.Helper()
	n.must("List", 0, &infos)
	return infos
}

func (n *testNode) input(id string, number int64, text string) {
	n.t.Helper()
	n.must("Input", InputArgs{Shell: id, Viewer: "typist", N: number, Text: text}, new(int))
}

// state is a shell's screen and scrollback, and its size.
func (n *testNode) state(id string) (s ShellState) {
	n.t.Helper()
	n.must("State", id, &s)
	return s
}

type ShellState struct {
	Info   Info
	Screen []byte
}

type InputArgs struct {
	Shell, Viewer string
	N             int64
	Text          string
}

type ReadArgs struct {
	Shell, Viewer string
	From          int64
}

type SizeArgs struct {
	Shell string
	Size  Size
}

// runNode is a node's process.
func runNode() {
	var config nodeConfig
	if err := json.Unmarshal([]byte(os.Getenv(nodeEnv)), &config); err != nil {
		panic(err)
	}
	var all []Program
	for _, kind := range slices.Sorted(maps.Keys(config.Scripts)) { // "", the default, is the first
		p := programs("/bin/sh", "-c", config.Scripts[kind])[0]
		p.Kind, p.Env = kind, append(p.Env, "SELF="+os.Args[0])
		if kind == "attached" {
			p.Attach, p.Reattach = attachPipe, reattachPipe
		}
		all = append(all, p)
	}
	keeper := keeperClient{os.NewFile(3, "keeper")}
	conn, err := net.FileConn(os.NewFile(4, "calls"))
	if err != nil {
		panic(err)
	}
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	table := NewTable(Config{Programs: all, Ring: config.Ring, Keeper: keeper, RecordAll: config.RecordAll, Node: "n@test",
		Recordings: cast.Dir{Path: config.Recordings, MaxBytes: 1 << 30},
		Log:        slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	kept, err := keeper.list()
	if err != nil {
		panic(err)
	}
	table.config.patience = time.Hour // the page may be slow, but must lose nothing
	table.config.killTime = testkit.Patience
	table.Adopt(kept)
	for _, s := range table.all() {
		s.attach(Viewer{ID: "typist", CanType: true}, -1) // holds the reader until the page is back
	}
	server := rpc.NewServer()
	server.RegisterName("Node", &nodeServer{table: table, pages: map[string]*pulled{}})
	server.ServeConn(conn)
}

// attachPipe gives a program a pipe, and writes to it.
func attachPipe(func() string) (Attachment, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return Attachment{}, err
	}
	_, err = in.WriteString("attached\n")
	return Attachment{File: out, Keep: in, Close: func() { in.Close() }}, err
}

func reattachPipe(right func() string, keep *os.File) (Attachment, error) {
	_, err := keep.WriteString("attached again with the " + right() + "\n")
	return Attachment{Keep: keep, Close: func() { keep.Close() }}, err
}

// nodeServer has the calls of a node.
type nodeServer struct {
	table *Table
	pages map[string]*pulled // by shell and viewer
}

// pulled is a viewer that stays attached between two calls.
type pulled struct {
	next func() (Event, bool)
	off  int64 // what it gets next
}

func (n *nodeServer) Ready(int, *int) error { return nil }

func (n *nodeServer) Leave(_ int, _ *int) error {
	n.table.Leave()
	return nil
}

func (n *nodeServer) Open(kind string, id *string) error {
	s, err := n.table.OpenAt(OpenOptions{Kind: kind, Right: "right of " + kind}, size)
	if err == nil {
		*id = s.id
	}
	return err
}

// OpenBefore opens a shell before another one.
func (n *nodeServer) OpenBefore(before string, id *string) error {
	s, err := n.table.OpenAt(OpenOptions{Before: before}, size)
	if err == nil {
		*id = s.id
	}
	return err
}

func (n *nodeServer) List(_ int, infos *[]Info) error {
	*infos = n.table.List()
	return nil
}

func (n *nodeServer) Input(a InputArgs, _ *int) error {
	s, err := n.table.Get(a.Shell)
	if err != nil {
		return err
	}
	return s.Input(context.Background(), a.Viewer, a.N, []byte(a.Text))
}

// Doubt kills the node while an input is in doubt: before it is written, or after.
func (n *nodeServer) Doubt(a InputArgs, _ *int) error {
	s, err := n.table.Get(a.Shell)
	if err != nil {
		return err
	}
	v, err := s.beginTyping(a.Viewer)
	if err != nil {
		return err
	}
	(&typing{slot: v.slot, number: a.N}).begin()
	s.terminal.ptmx.SetWriteDeadline(time.Time{}) // that of the last input may be over
	if _, err := s.terminal.ptmx.WriteString(a.Text); err != nil {
		return nil // the test fails
	}
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

func (n *nodeServer) Resize(a SizeArgs, _ *int) error {
	s, err := n.table.Get(a.Shell)
	if err != nil {
		return err
	}
	return s.Resize(a.Size)
}

func (n *nodeServer) Fit(a SizeArgs, _ *int) error {
	s, err := n.table.Get(a.Shell)
	if err != nil {
		return err
	}
	return s.Fit("typist", a.Size, Pin)
}

func (n *nodeServer) Rename(a InputArgs, _ *int) error {
	s, err := n.table.Get(a.Shell)
	if err == nil {
		s.Rename(a.Text)
	}
	return err
}

func (n *nodeServer) Record(id string, recording *string) error {
	summary, err := n.table.Record(id, "tester")
	*recording = summary.ID
	return err
}

func (n *nodeServer) StopRecording(id string, _ *int) error {
	_, err := n.table.StopRecording(id, "tester")
	return err
}

func (n *nodeServer) Remove(id string, _ *int) error { return n.table.Remove(context.Background(), id) }

func (n *nodeServer) State(id string, state *ShellState) error {
	s, err := n.table.Get(id)
	if err != nil {
		return err
	}
	state.Info = s.Info()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.syncScreen()
	state.Screen = s.screen.SnapshotWithin(historyRows, 64<<20)
	return nil
}

// Used counts the descriptors and memory maps of the node.
func (n *nodeServer) Used(_ int, used *[2]int) error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	used[0], used[1] = len(entries), strings.Count(string(maps), "memfd:convoy-shell")
	return err
}

// Read follows a shell until there is output or a reset, or it has ended.
func (n *nodeServer) Read(a ReadArgs, events *[]Event) error {
	s, err := n.table.Get(a.Shell)
	if err != nil {
		return err
	}
	p := n.pages[a.Shell+a.Viewer]
	if p == nil || p.off != a.From {
		next, _ := iter.Pull(s.Follow(context.Background(), Viewer{ID: a.Viewer, CanType: true}, a.From))
		p = &pulled{next: next}
		n.pages[a.Shell+a.Viewer] = p
	}
	s.Ack(a.Viewer, a.From)
	for e, ok := p.next(); ok; e, ok = p.next() {
		*events = append(*events, e)
		if p.off = drawnOffset(e); e.Kind != Present && e.Kind != Resize {
			break
		}
	}
	return nil
}

// page is a viewer that outlives the nodes.
type page struct {
	t      testing.TB
	id     string
	off    int64
	output []byte
	model  *screen.Screen
	size   Size
	exit   *Exit
}

func newPage(t testing.TB, id string) *page {
	return &page{t: t, id: id, model: screen.New(size.Rows, size.Cols, historyRows), size: size}
}

// read reads what comes next.
func (p *page) read(n *testNode) error {
	var events []Event
	err := n.try("Read", ReadArgs{p.id, "typist", p.off}, &events)
	for _, e := range events {
		switch e.Kind {
		case Output:
			if e.Off != p.off {
				p.t.Fatalf("output from %d follows %d bytes", e.Off, p.off)
			}
			p.output = append(p.output, e.Bytes...)
			p.model.Write(e.Bytes)
			p.off = drawnOffset(e)
		case Resize:
			if e.Size != p.size {
				p.size = e.Size
				p.model.Resize(e.Size.Rows, e.Size.Cols)
			}
		case Reset:
			p.t.Fatalf("the page gets a screen instead of output at %d", p.off)
		case Exited:
			p.exit = &e.Exit
		}
	}
	return err
}

// see reads until there is that text after what was read before.
func (p *page) see(n *testNode, text string) {
	p.t.Helper()
	for from := len(p.output); !bytes.Contains(p.output[max(0, from-len(text)):], []byte(text)); {
		if err := p.read(n); err != nil || p.exit != nil {
			p.t.Fatalf("%q not seen: %v, %v; output: … %q", text, err, p.exit, p.output[max(0, len(p.output)-300):])
		}
	}
}

// shows fails the test if the shell's screen, with so many rows of scrollback, is not what its whole output makes.
func (p *page) shows(n *testNode, rows int) {
	p.t.Helper()
	got := screen.New(p.size.Rows, p.size.Cols, historyRows)
	got.Write(n.state(p.id).Screen)
	want := screen.New(p.size.Rows, p.size.Cols, historyRows)
	want.Write(p.model.SnapshotWithin(historyRows, 64<<20))
	text := func(s *screen.Screen) string {
		const home = "\x1b[0m\x1b[H\x1b7\x1b[m\x1b(B" // saves what is saved at first
		return strings.ReplaceAll(string(s.SnapshotWithin(rows, 64<<20)), home, "")
	}
	a, b := text(got), text(want)
	if a != b {
		i := 0
		for i < min(len(a), len(b)) && a[i] == b[i] {
			i++
		}
		p.t.Errorf("after %d bytes the screen with %d rows of scrollback has %d bytes, not %d; at %d:\n%.200q\n%.200q",
			p.off, rows, len(a), len(b), i, a[max(0, i-50):], b[max(0, i-50):])
	}
}
