package local

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"convoy/internal/testkit"
)

// The nodes of a control plane that is killed go on, and the next one has them: names, cards, addresses, and the port
// of the DNS server. Nothing is left of them after Close.
func TestAdopt_NodesGoOn(t *testing.T) { // alone: it counts descriptors
	before := descriptors(t)
	t.Run("adopted", func(t *testing.T) {
		p := startPredecessor(t, "node")
		one, two := p.do("spawn one"), p.do("spawn two")
		addr := p.do("dns")
		p.kill()
		asked := make(chan error, 1)
		go func() { // while nobody answers
			client := dns.Client{Timeout: testkit.Patience}
			_, _, err := client.Exchange(new(dns.Msg).SetQuestion(service+".", dns.TypeSRV), addr)
			asked <- err
		}()
		next := p.successor("node")
		if got := next.DNS().String(); got != addr {
			t.Errorf("the DNS server is at %s, want %s still", got, addr)
		}
		if err := <-asked; err != nil {
			t.Errorf("a question between two servers: %v", err)
		}
		list, _ := next.services()
		if got := fmt.Sprintf("%+v", list); len(list) != 2 || !list[0].Running || !list[1].Running ||
			list[0].ID != "pid "+one || list[1].ID != "pid "+two {
			t.Errorf("services are %s, want one and two with %s and %s", got, one, two)
		}
		if _, records, err := next.Resolver().LookupSRV(t.Context(), "", "", next.Query()+"."); err != nil ||
			len(records) != 2 || records[0].Port != 4711 {
			t.Errorf("DNS has %+v, %v, want two nodes", records, err)
		}
		if err := next.Spawn(t.Context(), next.NodeName("one"), noStep); err == nil {
			t.Error("the name of an adopted node is given again")
		}
		spawn(t, next, "three")
		testkit.Must(t, next.Retire(t.Context(), next.NodeName("one"), noStep))
		gone(t, one)
		pid, err := strconv.Atoi(two)
		testkit.Must(t, err)
		testkit.Must(t, syscall.Kill(pid, syscall.SIGKILL))
		if s := waitEnded(t, next, next.NodeName("two")); s.Message != "process ended: signal: killed" {
			t.Errorf("message is %q", s.Message)
		}
		closeProvider(t, next)
		if left := p.store.entries(t); len(left) != 0 {
			t.Errorf("the store has %+v after Close", left)
		}
	})
	if after := descriptors(t); len(after) > len(before) {
		t.Errorf("descriptors before %q, after %q", before, after)
	}
}

func descriptors(t *testing.T) (all []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	testkit.Must(t, err)
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(target, "anon_inode") {
			all = append(all, target)
		}
	}
	return all
}

// gone checks that a process has ended and was waited for.
func gone(t *testing.T, number string) {
	t.Helper()
	pid, err := strconv.Atoi(number)
	testkit.Must(t, err)
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v, want it gone, and no zombie", pid, err)
	}
}

// tells writes to a node's standard input, as its parent.
func tells(t *testing.T, stdin *os.File, line string) {
	t.Helper()
	_, err := io.WriteString(stdin, line+"\n")
	testkit.Must(t, err)
}

// Why a node ended is known however its output and its end were divided between two control planes.
func TestAdopt_WhyItEnded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, between, after []string // what it is told
		want                   string
	}{
		"read before":  {[]string{"say convoy: error: it broke", "say more"}, nil, []string{"die"}, "it broke"},
		"read between": {nil, []string{"say convoy: error: it broke"}, []string{"say more", "die"}, "it broke"},
		"read after":   {[]string{"say words"}, nil, []string{"say the last", "die"}, "the last"},
		"ends between": {[]string{"say words"}, []string{"say the last", "die"}, nil, "the last"},
		"a cut line":   {[]string{"say words", "begin one"}, nil, []string{"begin  line", "die"}, "one line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPredecessor(t, "talks")
			p.do("spawn one")
			node := "convoy@one." + Zone
			said := ""
			for _, line := range test.before {
				_, words, _ := strings.Cut(line, " ")
				said += words
				tells(t, p.store.find(t, node).Files[0], line)
			}
			testkit.Eventually(t, "the predecessor has read the output", func() bool {
				return strings.ReplaceAll(p.read(node), "\n", "") == said
			})
			p.kill()
			for _, line := range test.between {
				tells(t, p.store.find(t, node).Files[0], line)
			}
			next := p.successor("talks")
			for _, line := range test.after {
				tells(t, next.children[node].stdin, line)
			}
			if s := waitEnded(t, next, node); s.Message != "process ended: exit status 3: "+test.want {
				t.Errorf("message is %q, want %q", s.Message, test.want)
			}
		})
	}
}

// A node that was being started when its control plane was killed is ended, and its card says so.
func TestAdopt_SpawnInProgress(t *testing.T) {
	t.Parallel()
	p := startPredecessor(t, "mute")
	name := "convoy@one." + Zone
	p.do("try one")
	testkit.Eventually(t, "the process prints", func() bool { return p.read(name) != "" })
	p.kill()
	next := p.successor("mute")
	if s := waitEnded(t, next, name); s.Message != interrupted+": still waiting for DNS" {
		t.Errorf("message is %q", s.Message)
	}
	gone(t, strconv.Itoa(next.children[name].pid))
	if _, err := next.Resolver().LookupHost(t.Context(), hostOf(name)+"."); err == nil {
		t.Error("a node that never listened has an address")
	}
	testkit.Must(t, next.Retire(t.Context(), name, noStep))
	if left := p.store.entries(t); len(left) != 1 || left[0].ID != dnsID {
		t.Errorf("the store has %+v after Retire", left)
	} else {
		closeAll(left[0].Files)
	}
}

// The card of a node that has ended stays, through any number of control planes.
func TestAdopt_EndedNodes(t *testing.T) {
	t.Parallel()
	p := startPredecessor(t, "dies")
	why := p.do("spawn one")
	testkit.Eventually(t, "the end is kept", func() bool { return p.store.find(t, "convoy@one."+Zone).Pid == 0 })
	p.kill()
	for range 2 {
		next := New(Config{Self: self, Keeper: p.store})
		next.Adopt(p.store.entries(t))
		s := waitEnded(t, next, next.NodeName("one"))
		if !strings.HasPrefix(why, "process ended: exit status 3") || s.Message != why {
			t.Errorf("message is %q, want %q", s.Message, why)
		}
		for _, socket := range []io.Closer{next.packets, next.listener} {
			socket.Close()
		}
	}
}

// Nodes end with the last process that holds their standard input.
func TestAdopt_NobodyFollows(t *testing.T) {
	t.Parallel()
	p := startPredecessor(t, "node")
	number := p.do("spawn one")
	p.kill()
	k := p.store.find(t, "convoy@one."+Zone)
	p.store.Drop(k.ID)
	if status, err := p.store.Wait(testkit.Context(t), k.Pid); err != nil || status.ExitStatus() != 0 {
		t.Errorf("the node ended with %v, %v", status, err)
	}
	gone(t, number)
}

// Nodes that were left go on, with the rest of their output.
func TestLeave(t *testing.T) {
	t.Parallel()
	p := startPredecessor(t, "talks")
	number := p.do("spawn one")
	node := "convoy@one." + Zone
	tells(t, p.store.find(t, node).Files[0], "say convoy: error: it broke")
	if answer := p.do("leave"); answer != "left <nil>" {
		t.Fatalf("the predecessor says %q", answer)
	}
	testkit.Must(t, p.cmd.Wait())
	<-p.received
	next := p.successor("talks")
	if list, _ := next.services(); len(list) != 1 || !list[0].Running || list[0].ID != "pid "+number {
		t.Errorf("services are %+v", list)
	}
	tells(t, next.children[node].stdin, "die")
	if s := waitEnded(t, next, node); s.Message != "process ended: exit status 3: it broke" {
		t.Errorf("message is %q", s.Message)
	}
}

// A provider that leaves waits for none of the nodes that it adopted.
func TestLeave_Adopted(t *testing.T) {
	t.Parallel()
	p := startPredecessor(t, "node")
	p.do("spawn one")
	p.kill()
	next := p.successor("node")
	testkit.Must(t, next.Leave(testkit.Context(t)))
	next.group.Wait()
	if err := next.Spawn(t.Context(), next.NodeName("two"), noStep); !errors.Is(err, ErrClosed) {
		t.Errorf("Spawn() after Leave = %v, want ErrClosed", err)
	}
	again := p.successor("node")
	if list, _ := again.services(); len(list) != 1 || !list[0].Running {
		t.Errorf("services are %+v", list)
	}
}

// A process that has the pid of a node that ended gets no signal.
func TestAdopt_AnotherHasThePid(t *testing.T) {
	t.Parallel()
	other := exec.Command("sleep", "600")
	testkit.Must(t, other.Start())
	defer other.Wait() //nolint:errcheck // it is killed
	defer other.Process.Kill()
	pid := other.Process.Pid
	for _, began := range []string{startOf(pid), "1"} {
		found := find(pid, began)
		if err := found.Signal(syscall.SIGCONT); (err == nil) != (began != "1") {
			t.Errorf("a signal to process %d of %q: %v", pid, began, err)
		}
	}
	c := &process{pid: pid, process: find(pid, "1")}
	c.terminate()
	c.kill()
	if err := syscall.Kill(pid, 0); err != nil || startOf(pid) == "" {
		t.Errorf("the other process has ended: %v", err)
	}
}

// What is damaged is dropped, and the rest is adopted.
func TestAdopt_Damaged(t *testing.T) {
	t.Parallel()
	s := &store{}
	next := New(Config{Self: self, Keeper: s})
	kept := []Kept{
		{ID: "a", Data: []byte("no JSON")},
		{ID: "b", Data: []byte(`{"pid": 0}`)},
		{ID: "c", Pid: 1, Data: []byte(`{"pid": 2}`)},
		{ID: "d", Pid: os.Getpid(), Data: fmt.Appendf(nil, `{"pid": %d}`, os.Getpid())},
		{ID: dnsID},
		{ID: "e", Data: []byte(`{"pid": 7, "ended": "long ago", "unknown": 1}`)},
	}
	for _, k := range kept {
		testkit.Must(t, s.Keep(k))
	}
	file, err := os.Open(os.DevNull)
	testkit.Must(t, err)
	kept[0].Files = []*os.File{file}
	next.Adopt(kept)
	if list, _ := next.services(); len(list) != 1 || list[0].Name != "e" || list[0].Message != "long ago" {
		t.Errorf("services are %+v", list)
	}
	ids := []string{}
	for _, k := range s.entries(t) {
		ids = append(ids, k.ID)
	}
	if !slices.Equal(ids, []string{"e"}) {
		t.Errorf("the store has %q", ids)
	}
	if _, err := file.Stat(); err == nil {
		t.Error("a file of a damaged entry is open")
	}
}

// The file of the last lines stays small, and gives them back.
func TestTail_Restore(t *testing.T) {
	t.Parallel()
	file, err := newMemory()
	testkit.Must(t, err)
	defer file.Close()
	first := tail{onLine: func(string) {}, file: file}
	for i := range 100_000 {
		fmt.Fprintf(&first, "line %d\nand a b", i)
		fmt.Fprint(&first, "it\n")
	}
	fmt.Fprint(&first, "the end of")
	info, err := file.Stat()
	testkit.Must(t, err)
	if info.Size() > savedBytes {
		t.Errorf("the file has %d bytes", info.Size())
	}
	var second tail
	testkit.Must(t, second.restore(file))
	second.onLine = func(string) {}
	fmt.Fprint(&first, " it\n")
	fmt.Fprint(&second, " it\n")
	if len(second.lines) != tailLines || !slices.Equal(first.lines, second.lines) {
		t.Errorf("restored lines are %q, want %q", second.lines, first.lines)
	}
}
