package pty

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"convoy/internal/testkit"
)

// TestThrottle: all expensive shells together take one part in throttleShare, and each one gets its turn.
func TestThrottle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var shared throttle
		const shells, each = 20, 4 << 20
		end := make(chan struct{})
		paid := make([]int, shells)
		var group sync.WaitGroup
		began := time.Now()
		for i := range shells {
			group.Go(func() {
				for shared.wait(each, end) {
					paid[i]++
				}
			})
		}
		time.Sleep(10 * time.Second)
		close(end)
		group.Wait()
		in, total := time.Since(began), 0
		for i, n := range paid {
			if n < paid[0]-1 || n > paid[0]+1 {
				t.Errorf("shell %d had %d turns, the first %d", i, n, paid[0])
			}
			total += n * each
		}
		if want := int(in / throttleShare); total > want || total < want-shells*each {
			t.Errorf("in %v shells have drawn %d, want about %d", in, total, want)
		}
		if shared.wait(1<<30, end) {
			t.Error("a dead shell waits")
		}
	})
}

// costly are sequences that cost much per byte.
const costly = `while :; do printf '\033[1 @\033[1 A\033[1 @\033[1 A\033[999999bx\033[999999b'; done`

// TestThrottle_OthersAreEchoed: a shell draws the most expensive output as fast as it can, on the largest screen, and
// is throttled, while another shell's key is echoed and the shells are listed.
func TestThrottle_OthersAreEchoed(t *testing.T) {
	t.Parallel()
	programs := append(programs("/bin/sh", "-c", costly), Program{Kind: "cat", Args: []string{"/bin/cat"}})
	table := newTable(t, Config{Programs: programs})
	hostile, err := table.Open(Size{maxSide, maxSide})
	if err != nil {
		t.Fatal(err)
	}
	other, err := table.OpenAt(OpenOptions{Kind: "cat"}, size)
	if err != nil {
		t.Fatal(err)
	}
	v := watch(t, other, options{from: 0, types: true})
	testkit.Eventually(t, "the hostile shell pays", func() bool { return table.config.throttle.charged() > 8*turnWork })
	for i := range 5 {
		at := table.config.throttle.charged()
		key := fmt.Sprintf("key-%d", i)
		typeIn(t, other, key+"\r")
		v.see(key + "\r\n" + key + "\r\n")
		table.List()
		testkit.Eventually(t, "the hostile shell pays again", func() bool { return table.config.throttle.charged() > at })
	}
	hostile.mu.Lock()
	free := freeWork * int(hostile.ring.end)
	work := hostile.drawn
	hostile.mu.Unlock()
	if paid := table.config.throttle.charged(); work > free+paid+minDebt+2*turnWork+16*maxSide*maxSide {
		t.Errorf("a shell has drawn %d, of which %d are free and %d are paid", work, free, paid)
	}
}

func (t *throttle) charged() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// TestPut_EndsWithItsProgram: the expensive output that an ended program leaves is not all drawn.
func TestPut_EndsWithItsProgram(t *testing.T) {
	t.Parallel()
	table := NewTable(Config{Programs: programs("x")})
	s := newShell(table.config, programs("x")[0], "x", Size{maxSide, maxSide}, func() {})
	close(s.hurry)
	s.put([]byte("x\x1b[999999b"))
	p := bytes.Repeat([]byte("\x1b[1 @"), drainBytes/5)
	s.put(p)
	if s.ring.end >= int64(len(p)) || s.screen.Work() > exitDebt+freeWork*len(p)+maxCredit+2*turnWork+16*maxSide*maxSide {
		t.Errorf("%d of %d bytes were drawn, for %d", s.ring.end, len(p), s.screen.Work())
	}
	if took := table.config.throttle.charged(); took != 0 {
		t.Errorf("a shell whose program has ended keeps others waiting for %d", took)
	}
}
