package pty

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"convoy/internal/testkit"
	"convoy/pty/cast"
)

func init() { roles[nodeEnv] = runNode }

// A node is killed twice in the middle of a flood. Every byte arrives, once and in order, and the screen is exact.
func TestAdopt_Flood(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": `stty -echo; echo ready; read x; i=0
		while [ $i -lt 12 ]; do i=$((i+1)); seq $i $((i+50000)); printf '\033[3%dm\033[1;5r\033[r' $((i%8)); done
		echo the end; cat`}}
	n := k.start(config)
	p := newPage(t, n.open(""))
	pid := n.list()[0].PID
	p.see(n, "ready\r\n")
	n.input(p.id, 0, "\n")
	for _, at := range []int64{100_000, 2_500_000} {
		for p.off < at {
			testkit.Must(t, p.read(n))
		}
		n.kill()
		n = k.start(config)
	}
	p.see(n, "the end\r\n")
	want := strings.Builder{}
	want.WriteString("ready\r\n")
	for i := 1; i <= 12; i++ {
		for j := i; j <= i+50000; j++ {
			fmt.Fprintf(&want, "%d\r\n", j)
		}
		fmt.Fprintf(&want, "\x1b[3%dm\x1b[1;5r\x1b[r", i%8)
	}
	want.WriteString("the end\r\n")
	if got := string(p.output); got != want.String() {
		t.Errorf("%d bytes of output, want %d", len(got), want.Len())
	}
	p.shows(n, attachRows)
	if info := n.list()[0]; info.PID != pid || info.End != p.off || !info.Running {
		t.Errorf("%+v", info)
	}
}

// Everything that makes a shell what it is continues: title, right, size, rows of scrollback, alternate screen.
func TestAdopt_Everything(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{
		"long": `seq 1 10100; printf '\033]2;a title\a\033]7;file:///usr\a\033[?1049h\033[5;5Hon the alternate\033[?1h'; cat`,
		"size": `trap 'stty size' WINCH; echo ready; until [ "$x" = quit ]; do read x && echo "got $x"; done; exit 7`,
	}}
	n := k.start(config)
	a, b := newPage(t, n.open("long")), newPage(t, n.open("size"))
	a.see(n, "\x1b[?1h")
	b.see(n, "ready")
	n.must("Fit", SizeArgs{b.id, Size{33, 99}}, new(int))
	b.see(n, "33 99")
	n.must("Rename", InputArgs{Shell: b.id, Text: "renamed"}, new(int))
	before := n.list()
	for i := range 3 {
		n.kill()
		n = k.start(config)
		for i, info := range n.list() {
			was := before[i]
			was.Viewers, was.Active, was.End, info.Viewers = 0, info.Active, info.End, 0
			if !info.Started.Equal(was.Started) {
				t.Errorf("started %v, now %v", was.Started, info.Started)
			}
			was.Started, was.State.Since = info.Started, info.State.Since
			if info != was {
				t.Errorf("before\n%+v\nnow\n%+v", was, info)
			}
		}
		n.input(b.id, int64(i), fmt.Sprintf("line %d\n", i))
		b.see(n, fmt.Sprintf("got line %d\r\n", i))
		a.shows(n, historyRows)
		b.shows(n, historyRows)
	}
	if err := n.try("Resize", SizeArgs{b.id, Size{20, 20}}, new(int)); err == nil || err.Error() != ErrPinned.Error() &&
		!strings.Contains(err.Error(), ErrPinned.Error()) {
		t.Errorf("a pinned size: %v", err)
	}
	n.input(b.id, 3, "quit\n")
	for b.exit == nil {
		testkit.Must(t, b.read(n))
	}
	if *b.exit != (Exit{Code: 7}) {
		t.Errorf("ended with %+v", *b.exit)
	}
	n.must("Remove", a.id, new(int))
	n.must("Remove", b.id, new(int))
	k.keeps(0)
}

// A program that ends while no node runs: the rest of its output arrives, and its status.
func TestAdopt_EndedMeanwhile(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": `echo ready; read x; sleep 0.2; echo last words; exit 5`}}
	n := k.start(config)
	p := newPage(t, n.open(""))
	p.see(n, "ready")
	pid := n.list()[0].PID
	n.input(p.id, 0, "\n")
	n.kill()
	awaitGone(t, pid)
	n = k.start(config)
	for p.exit == nil {
		testkit.Must(t, p.read(n))
	}
	if got := string(p.output); *p.exit != (Exit{Code: 5}) || got != "ready\r\n\r\nlast words\r\n" {
		t.Errorf("ended with %+v after %q", *p.exit, got)
	}
	// It stays, with its output, until it is removed.
	for _, stop := range []func(*testNode){(*testNode).kill, (*testNode).leave} {
		p.shows(n, historyRows)
		stop(n)
		n = k.start(config)
		again := newPage(t, p.id)
		for again.exit == nil {
			testkit.Must(t, again.read(n))
		}
		info := n.list()[0]
		if got := string(again.output); got != string(p.output) || *info.Exit != (Exit{Code: 5}) || info.Running {
			t.Errorf("the ended shell has %q, %+v", got, info)
		}
	}
	n.must("Remove", p.id, new(int))
	k.keeps(0)
}

// An input in doubt is typed at most once, whether it was written or not. Others are typed exactly once.
func TestAdopt_InputInDoubt(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": rawCat}}
	n := k.start(config)
	p := newPage(t, n.open(""))
	p.see(n, "ready\n")
	n.input(p.id, 0, "a")
	for i, written := range []string{"", "<written>"} {
		number := int64(2*i + 1)
		if err := n.try("Doubt", InputArgs{Shell: p.id, Viewer: "typist", N: number, Text: written}, new(int)); err == nil {
			t.Fatal("the node was not killed")
		}
		n.kill()
		n = k.start(config)
		n.input(p.id, number, "<repeated>")
		n.input(p.id, number+1, "<next>")
		n.input(p.id, number+1, "<next>")
	}
	n.input(p.id, 5, "$")
	p.see(n, "$")
	if got := string(p.output); got != "ready\na<next><written><next>$" {
		t.Errorf("typed %q", got)
	}
}

// What cannot be continued is ended and forgotten; the other shells continue.
func TestAdopt_UnknownAndDamaged(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": "echo ready; cat", "other": "trap '' HUP; echo ready; sleep 1000"}}
	n := k.start(config)
	good := newPage(t, n.open(""))
	good.see(n, "ready")
	var pids []int
	for range 3 {
		other := newPage(t, n.open("other"))
		other.see(n, "ready")
	}
	for _, info := range n.list()[1:] {
		pids = append(pids, info.PID)
	}
	ids := n.list()
	n.kill()
	k.mu.Lock()
	files := k.kept[ids[1].ID].Files
	_, err := files[keptJournal].WriteAt([]byte("nonsense"), 24)
	data := k.kept[ids[2].ID]
	data.Data = []byte("{")
	k.kept[ids[2].ID] = data
	k.mu.Unlock()
	testkit.Must(t, err)
	delete(config.Scripts, "other")
	n = k.start(config)
	for _, pid := range pids {
		awaitGone(t, pid)
	}
	if got := n.list(); len(got) != 1 || got[0].ID != good.id {
		t.Errorf("continued: %+v", got)
	}
	k.keeps(1)
	n.input(good.id, 0, "still there\n")
	good.see(n, "still there")
}

// Shells keep their places in the list.
func TestAdopt_Order(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": "cat"}}
	n := k.start(config)
	order := func() (ids []string) {
		for _, info := range n.list() {
			ids = append(ids, info.ID)
		}
		return ids
	}
	for i := range 12 {
		before := ""
		if i > 0 {
			before = order()[i/3]
		}
		n.must("OpenBefore", before, new(string))
	}
	want := order()
	for range 2 {
		n.kill()
		n = k.start(config)
		if got := order(); !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
	}
}

// What the node has attached to a program outlives it.
func TestAdopt_Attachment(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"attached": "cat <&3; echo detached; exit 4"}}
	n := k.start(config)
	p := newPage(t, n.open("attached"))
	p.see(n, "attached\r\n")
	for _, stop := range []func(*testNode){(*testNode).kill, (*testNode).leave, (*testNode).kill} {
		stop(n)
		n = k.start(config)
		p.see(n, "again with the right of attached\r\n")
	}
	pid := n.list()[0].PID
	n.kill()
	k.mu.Lock()
	kept := k.kept[p.id]
	kept.Files[keptAttachment].Close()
	kept.Files = kept.Files[:keptAttachment]
	k.kept[p.id] = kept
	k.mu.Unlock()
	n = k.start(config)
	if got := n.list(); len(got) != 0 {
		t.Errorf("a shell that lost its attachment: %+v", got)
	}
	awaitGone(t, pid)
	k.keeps(0)
}

// The size that the terminal got just before the node was killed.
func TestAdopt_SizeNotRecorded(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": "echo ready; cat"}}
	n := k.start(config)
	p := newPage(t, n.open(""))
	p.see(n, "ready")
	n.kill()
	k.mu.Lock()
	err := (&terminal{ptmx: k.kept[p.id].Files[keptTerminal]}).resize(Size{40, 120})
	k.mu.Unlock()
	testkit.Must(t, err)
	n = k.start(config)
	if got := n.list()[0].Size; got != (Size{40, 120}) {
		t.Errorf("size %v", got)
	}
}

// Many shells and adoptions leave nothing behind.
func TestAdopt_LeavesNothing(t *testing.T) {
	const shells, adoptions = 200, 6
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": "echo ready; cat"}}
	n := k.start(config)
	var empty, used [2]int
	n.must("Used", 0, &empty)
	for range shells {
		n.open("")
	}
	first := newPage(t, n.list()[0].ID)
	first.see(n, "ready\r\n")
	for i := range adoptions {
		if i%2 == 0 {
			n.kill()
		} else {
			n.leave()
		}
		n = k.start(config)
		if got := len(n.list()); got != shells {
			t.Fatalf("%d shells after adoption %d", got, i)
		}
		first.shows(n, historyRows)
	}
	n.must("Used", 0, &used)
	if used[1] != shells || used[0] > empty[0]+5*shells+4 {
		t.Errorf("%d descriptors and %d maps for %d shells, at first %d", used[0], used[1], shells, empty[0])
	}
	var removing sync.WaitGroup
	for _, info := range n.list() {
		removing.Go(func() {
			if err := n.try("Remove", info.ID, new(int)); err != nil {
				t.Error(err)
			}
		})
	}
	removing.Wait()
	testkit.Eventually(t, "the descriptors are closed", func() bool {
		n.must("Used", 0, &used)
		return used[1] == 0 && used[0] <= empty[0]+2
	})
	k.keeps(0)
}

// Leave returns while a program ignores its terminal, and in a flood; the next process continues exactly.
func TestLeave(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{
		"flood": "stty -echo; echo go; read x; seq 1 300000; echo the end; cat", "deaf": "stty raw; echo ready; sleep 1000"}}
	n := k.start(config)
	p, deaf := newPage(t, n.open("flood")), newPage(t, n.open("deaf"))
	deaf.see(n, "ready")
	p.see(n, "go")
	paste := n.call.Go("Node.Input", InputArgs{deaf.id, "typist", 0, strings.Repeat("x", 100_000)}, new(int), nil)
	n.input(p.id, 0, "\n")
	for p.off < 500_000 {
		testkit.Must(t, p.read(n))
	}
	n.must("Leave", 0, new(int))
	if err := (<-paste.Done).Error; err == nil || !strings.Contains(err.Error(), ErrLeft.Error()) {
		t.Errorf("a blocked input: %v", err)
	}
	n.kill()
	n = k.start(config)
	p.see(n, "the end\r\n")
	if got, want := string(p.output), "go\r\n"+lines(300000)+"the end\r\n"; got != want {
		t.Errorf("%d bytes of output, want %d", len(got), len(want))
	}
	p.shows(n, attachRows)
}

// A recording continues at its byte, with a mark of the restart.
func TestAdopt_Recording(t *testing.T) {
	t.Run("killed", func(t *testing.T) { continueRecording(t, (*testNode).kill) })
	t.Run("left", func(t *testing.T) { continueRecording(t, (*testNode).leave) })
}

func continueRecording(t *testing.T, stop func(*testNode)) {
	k, d := newKeepers(t), recordings(t, 1<<30)
	config := nodeConfig{
		Scripts:    map[string]string{"": `stty -echo; echo ready; while read x; do seq 1 20000; echo "end $x"; done`},
		Recordings: d.Path,
	}
	n := k.start(config)
	p := newPage(t, n.open(""))
	p.see(n, "ready")
	var id string
	n.must("Record", p.id, &id)
	for i := range 3 {
		n.input(p.id, int64(i), fmt.Sprintf("%d\n", i))
		p.see(n, fmt.Sprintf("end %d\r\n", i))
		stop(n)
		n = k.start(config)
	}
	if !n.list()[0].Recording {
		t.Fatal("the recording does not continue")
	}
	n.must("StopRecording", p.id, new(int))
	if summary := finished(t, d); summary.ID != id || summary.Reason != "stopped by tester" {
		t.Errorf("%+v", summary)
	}
	_, events := replayed(t, d, id)
	var out bytes.Buffer
	marks := 0
	for _, e := range events[1:] { // the first is the screen
		switch e.Code {
		case cast.Output:
			out.WriteString(e.Data)
		case cast.Marker:
			marks++
		}
	}
	want := string(p.output[len("ready\r\n"):])
	if got := out.String(); got != want || marks != 3 {
		t.Errorf("%d bytes are recorded instead of %d, with %d marks", len(got), len(want), marks)
	}
}

// Queries are answered once: those that the killed node has answered are not answered again, others are.
func TestAdopt_Queries(t *testing.T) {
	k := newKeepers(t)
	config := nodeConfig{Scripts: map[string]string{"": `stty raw -echo; printf 'ready\033[c'; dd bs=1 count=7 2>/dev/null | od -c;
		printf asked; sleep 0.3; printf '\033[5n'; dd bs=1 count=4 2>/dev/null | od -c; printf done; cat`}}
	n := k.start(config)
	p := newPage(t, n.open(""))
	p.see(n, "asked")
	n.kill()
	n = k.start(config)
	p.see(n, "done")
	n.kill()
	n = k.start(config)
	n.input(p.id, 0, "$")
	p.see(n, "$")
	if got := string(p.output); !strings.HasSuffix(got, "done$") || strings.Count(got, "033") != 2 {
		t.Errorf("%q", got)
	}
}
