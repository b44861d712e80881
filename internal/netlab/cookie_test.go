//go:build linux

package netlab_test

import (
	"slices"
	"testing"
	"time"
)

// TestWrongCookie lets a node with another cookie find the cluster in DNS. It
// never joins, and each side says why, once.
func TestWrongCookie(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3)
	for _, h := range s.lab.Hosts() {
		s.lab.DNS.Add(query, h.Addr())
	}
	began := time.Now()
	all := []*process{s.begin(s.lab.Host(0)), s.begin(s.lab.Host(1))}
	stranger := s.begin(s.lab.Host(2), withCookie(cookieB))
	s.ready(append(all, stranger)...)
	s.whole(deadline, all...)
	const refused = "refused: the other side does not have this cluster's cookie"
	s.until(deadline, "each has said that it refuses", func() bool {
		return all[0].lines("WARN", refused) > 0 && all[1].lines("WARN", refused) > 0 && stranger.lines("WARN", refused) > 1
	})
	joined := func() string {
		if len(stranger.members()) > 1 || len(all[0].members()) > 2 || len(all[1].members()) > 2 {
			return "the node with another cookie is a member"
		}
		return lost(began, all, all)
	}
	s.holds(12*time.Second, joined) // a dozen polls
	if err := all[0].order(
		order{Do: "connect", Target: stranger.host.Addr().String(), Limit: 5 * time.Second},
	).Err; err == "" {
		t.Error("a member connects to a node with another cookie")
	} else {
		t.Logf("connect by hand: %s", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range append(all, stranger) {
		others := 1 // that it refuses
		if p == stranger {
			others = 2
		}
		if n := p.lines("WARN", refused); n != others {
			t.Errorf("%s has written %d lines that it refuses, want %d, one for each address", p.name, n, others)
		}
		if n := p.lines("WARN", ""); n > 3*others {
			t.Errorf("%s has written %d warnings in some seconds:\n%s", p.name, n, warnings(p))
		}
		for _, e := range p.events {
			if e.Kind == "" && e.Level == "WARN" {
				t.Logf("%s says: %s %s %s %s", p.name, e.Message, e.Addr, e.Via, e.Reason)
			}
		}
	}
}

func warnings(p *process) (text string) {
	for _, e := range p.events {
		if e.Kind == "" && e.Level == "WARN" {
			text += e.Time.Format("05.000 ") + e.Message + " " + e.Addr + " " + e.Reason + "\n"
		}
	}
	return text
}

// TestCookieRotation changes the cookie in three rounds of restarts, one node after
// the other. At no time are there two clusters.
func TestCookieRotation(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3)
	all := s.cluster(withCookie(cookieA))
	var slowest time.Duration
	for _, cookie := range []string{cookieA + "," + cookieB, cookieB + "," + cookieA, cookieB} {
		for i, old := range slices.Clone(all) {
			began := time.Now()
			rest := slices.Delete(slices.Clone(all), i, i+1)
			old.stop(sigterm)
			all[i] = s.node(old.host, withCookie(cookie), withName(old.name))
			s.whole(deadline, all...)
			slowest = max(slowest, time.Since(began))
			s.mu.Lock()
			wrong := lost(began, append(rest, all[i]), append(rest, all[i]))
			s.mu.Unlock()
			if wrong != "" {
				t.Fatalf("while %s got %q: %s", old.name, cookie, wrong)
			}
			for _, other := range rest {
				s.callable(all[i], other)
				s.callable(other, all[i])
			}
		}
	}
	t.Logf("9 restarts, from the signal to a whole cluster %v at most", slowest.Round(time.Millisecond))
}

// callable fails the test if one node cannot call another.
func (s *scene) callable(from, to *process) {
	s.Helper()
	if got := from.order(order{Do: "get", Node: to.name, Target: "/who", Limit: deadline}); got.Text != to.instance {
		s.Errorf("%s calls %s: %+v", from.name, to.name, got)
	}
}
