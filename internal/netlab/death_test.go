//go:build linux

package netlab_test

import (
	"flag"
	"syscall"
	"testing"
	"time"

	"convoy/fleet"
)

var (
	deathNodes = flag.Int("nodes", 10, "nodes of TestDeathsUnderLoss")
	deathCount = flag.Int("deaths", 2, "of them, those that die in TestDeathsUnderLoss")
)

// TestDeathsUnderLoss loses 3 % of all packets, and one node after the other: every second one is killed, of the others
// the cable is pulled. All others notice each, and take no living node for dead.
func TestDeathsUnderLoss(t *testing.T) {
	s := newScene(t, *deathNodes)
	all := s.cluster()
	s.lab.Loss(3)
	began := time.Now()
	rest := all
	for i := range *deathCount {
		victim := rest[0]
		rest = rest[1:]
		died, how := time.Now(), "killed"
		if i%2 == 0 {
			victim.stop(syscall.SIGKILL)
		} else {
			how = "unplugged"
			s.lab.Unplug(victim.host)
		}
		s.seen(deadline, fleet.MemberUnreachable, victim, rest...)
		took := time.Since(died).Round(time.Millisecond)
		t.Logf("%d nodes: all others noticed that one was %s after %v", len(rest)+1, how, took)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if wrong := lost(began, rest, rest); wrong != "" {
		t.Errorf("an innocent node was lost in %v: %s", time.Since(began).Round(time.Second), wrong)
	}
}
