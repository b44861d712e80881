//go:build linux

package netlab_test

import (
	"testing"
	"time"
)

// Test20PercentLoss loses a fifth of all packets: a probe and its answer both arrive
// with 64 %. No node is declared dead.
func Test20PercentLoss(t *testing.T) {
	t.Parallel()
	s := newScene(t, 5)
	all := s.cluster()
	s.lab.Loss(20)
	s.steady(3, all) // by chance, all that would save a node can be lost
}

// TestDelay200ms delays one node by 200 ms each way. It joins, stays, and answers calls.
func TestDelay200ms(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4)
	s.lab.Delay(s.lab.Host(0), 200*time.Millisecond)
	all := s.cluster()
	began := time.Now()
	s.holds(15*time.Second, func() string { return lost(began, all, all) })
	for _, from := range []*process{all[0], all[1]} {
		to := all[0]
		if from == to {
			to = all[1]
		}
		first := from.order(order{Do: "call", Node: to.name, Target: "echo", Text: "x", Limit: deadline})
		second := from.order(order{Do: "call", Node: to.name, Target: "echo", Text: "x", Limit: deadline})
		if first.Err != "" || second.Err != "" || second.Took < 400*time.Millisecond {
			t.Errorf("calls over the slow link: %+v, %+v", first, second)
		}
		t.Logf(
			"calls from %s: the first takes %v, the next %v", from.name, first.Took.Round(time.Millisecond),
			second.Took.Round(time.Millisecond),
		)
	}
}

// TestUDPBlocked has a network that drops all UDP between hosts: the cluster forms by
// TCP, and no node is declared dead.
func TestUDPBlocked(t *testing.T) {
	t.Parallel()
	s := newScene(t, 5)
	s.lab.BlockUDP()
	var all []*process
	for _, h := range s.lab.Hosts() {
		s.lab.DNS.Add(query, h.Addr())
		all = append(all, s.begin(h, withPoll(poll)))
	}
	s.ready(all...)
	took := s.whole(deadline, all...)
	t.Logf("whole after %v", took.Round(time.Millisecond))
	// A member that is suspected cannot refute without UDP, so that one exchange by TCP
	// that takes more than a quarter of a second is a false death, until the next poll.
	s.steady(3, all)
}

// steady checks for 20 s that no node is lost. A busy machine gets some more chances.
func (s *scene) steady(chances int, all []*process) {
	s.Helper()
	var wrong string
	for range chances {
		began := time.Now()
		if !s.await(20*time.Second, func() bool { wrong = lost(began, all, all); return wrong != "" }) {
			s.Logf("nobody lost in %v", time.Since(began).Round(time.Millisecond))
			return
		}
		s.Logf("a false death, healed %v later: %s", s.whole(deadline, all...).Round(time.Millisecond), wrong)
	}
	s.Errorf("%d false deaths, the last: %s", chances, wrong)
}
