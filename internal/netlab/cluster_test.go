//go:build linux

package netlab_test

import (
	"flag"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/fleet"
)

const (
	poll      = 5 * time.Second // as in production
	healLimit = 5*time.Second + poll
)

// TestKilledNode measures how soon the others notice a node that was killed.
func TestKilledNode(t *testing.T) {
	s := newScene(t, 5)
	all := s.cluster()
	noticed(s, all, 5*time.Second, func(victim *process) { victim.stop(syscall.SIGKILL) })
}

// TestVanishedHost measures the same of a node whose host's cable was pulled: nothing
// refuses, nothing closes.
func TestVanishedHost(t *testing.T) {
	s := newScene(t, 5)
	all := s.cluster()
	noticed(s, all, 8*time.Second, func(victim *process) { s.lab.Unplug(victim.host) })
}

// noticed removes the last node until all others have noticed, and no other node was lost meanwhile.
func noticed(s *scene, all []*process, promised time.Duration, take func(*process)) {
	s.Helper()
	victim, rest := all[len(all)-1], all[:len(all)-1]
	began := time.Now()
	take(victim)
	s.seen(deadline, fleet.MemberUnreachable, victim, rest...)
	took := time.Since(began)
	s.mu.Lock()
	defer s.mu.Unlock()
	if wrong := lost(began, rest, rest); wrong != "" {
		s.Fatalf("an innocent node was lost: %s", wrong)
	}
	s.Logf("all others noticed after %v; promised %v", took.Round(time.Millisecond), promised)
}

// partition is longer than memberlist remembers the dead: it forgets them 30 s after it has noticed, within a round of
// its probes, and never asks for them again.
var partition = flag.Duration("partition", 50*time.Second, "duration of the long partition of TestPartitionHeals")

// TestPartitionHeals parts a cluster and joins it again.
func TestPartitionHeals(t *testing.T) {
	t.Parallel()
	t.Run("short", func(t *testing.T) {
		t.Parallel()
		parted(t, 0, false)
	})
	t.Run("long", func(t *testing.T) {
		t.Parallel()
		parted(t, *partition, false)
	})
	t.Run("long and out of DNS", func(t *testing.T) {
		t.Parallel()
		parted(t, min(*partition, 35*time.Second), true)
	})
}

// parted keeps two of five apart from the others for a while after both sides have
// noticed. DNS may forget the name at the same time.
func parted(t *testing.T, during time.Duration, gone bool) {
	s := newScene(t, 5)
	all := s.cluster(withPoll(poll))
	few, many := all[:2], all[2:]
	began := time.Now()
	s.lab.Partition(s.lab.Hosts()[:2], s.lab.Hosts()[2:])
	if gone {
		s.lab.DNS.Set(query)
	}
	apart := func() bool {
		for _, a := range few {
			for _, b := range many {
				if a.sees(b) != fleet.MemberUnreachable || b.sees(a) != fleet.MemberUnreachable {
					return false
				}
			}
		}
		return true
	}
	noticed := s.until(deadline, "both sides see the other unreachable", apart)
	within := func() string {
		if wrong := lost(began, few, few); wrong != "" {
			return "within the smaller part: " + wrong
		}
		if wrong := lost(began, many, many); wrong != "" {
			return "within the larger part: " + wrong
		}
		if !apart() {
			return "one part sees the other though nothing passes"
		}
		return ""
	}
	s.holds(max(0, during-noticed), within)
	held, healed := time.Since(began), time.Now()
	s.lab.Heal()
	s.whole(deadline, all...)
	took := time.Since(healed)
	t.Logf("both sides noticed after %v; parted for %v; whole %v after the heal; promised %v",
		noticed.Round(time.Millisecond), held.Round(time.Millisecond), took.Round(time.Millisecond), healLimit)
}

// TestOneWayCut drops all that one node sends to another. The rest reach both, so
// no node removes either; only calls between the two fail.
func TestOneWayCut(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4)
	all := s.cluster()
	from, to, rest := all[0], all[1], all[2:]
	began := time.Now()
	s.lab.CutOneWay(from.host, to.host)
	call := order{Do: "get", Node: to.name, Target: "/who", Limit: deadline}
	failed := from.order(call)
	if !strings.Contains(failed.Err, "unreachable") {
		t.Errorf("a call that cannot pass: %+v", failed)
	}
	s.seen(deadline, fleet.MemberUnreachable, to, from) // cannot be called from there
	s.holds(15*time.Second, func() string { return lost(began, rest, all) })
	s.mu.Lock()
	unreachable := from.lines("WARN", "member unreachable from here")
	gossiped := from.lines("WARN", "member unreachable") - unreachable
	s.mu.Unlock()
	if unreachable != 1 || gossiped != 0 {
		t.Errorf(
			"%s: %d lines that it cannot call the other, %d that it is dead; want 1 and 0", from.name, unreachable, gossiped,
		)
	}
	healed := time.Now()
	s.lab.Heal()
	s.whole(deadline, all...)
	took := time.Since(healed)
	if again := from.order(call); again.Err != "" || again.Text != to.instance {
		t.Errorf("a call after the heal: %+v", again)
	}
	t.Logf(
		"a call failed after %v; nobody was lost in 15 s; callable again %v after the heal",
		failed.Took.Round(time.Millisecond), took.Round(time.Millisecond),
	)
}
