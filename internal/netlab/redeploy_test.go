//go:build linux

package netlab_test

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/netlab"
)

// TestRedeployOverlap redeploys a node three times: for a while two instances have
// its name, at two addresses in DNS. One leaves, one is killed, and one has the
// address of an earlier one.
func TestRedeployOverlap(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4)
	const name = "convoy@web.internal"
	viewers := []*process{s.begin(s.lab.Host(0)), s.begin(s.lab.Host(1))}
	blue, green := s.lab.Host(2), s.lab.Host(3)
	old := s.begin(blue, withName(name))
	for _, h := range s.lab.Hosts()[:3] {
		s.lab.DNS.Add(query, h.Addr())
	}
	s.lab.DNS.Set("web.internal", blue.Addr())
	s.ready(viewers[0], viewers[1], old)
	s.whole(deadline, viewers[0], viewers[1], old)
	began := time.Now()
	calls := s.callAlways(viewers[0], name)
	for _, round := range []struct {
		at  *netlab.Host
		end os.Signal
	}{{green, sigterm}, {blue, os.Kill}, {green, sigterm}} {
		fresh := s.redeploy(old, round.at, round.end, viewers)
		s.mu.Lock()
		wrong := lost(began, append(viewers, fresh), append(viewers, fresh))
		s.mu.Unlock()
		if wrong != "" {
			t.Errorf("flapping: %s", wrong)
		}
		old = fresh
	}
	n := calls()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range viewers {
		for _, e := range v.events {
			if e.Kind == "members" && e.Time.After(began) && !owned(e.Members, name) {
				t.Errorf("%s at %v: nobody alive has the name", v.name, e.Time)
			}
		}
	}
	t.Logf("%d calls to the name, all answered, none by an older instance than the one before", n)
}

// redeploy starts a node on a host under the name of an old one, which it then ends by a signal. Others see both, and
// reach the new one by the name.
func (s *scene) redeploy(old *process, at *netlab.Host, end os.Signal, viewers []*process) (fresh *process) {
	s.Helper()
	s.lab.DNS.Add(query, at.Addr())
	s.lab.DNS.Add("web.internal", at.Addr())
	fresh = s.node(at, withName(old.name))
	joined := s.whole(deadline, append(viewers, old, fresh)...)
	for _, v := range viewers {
		if got := v.order(order{Do: "get", Node: old.name, Target: "/who", Limit: deadline}); got.Text != fresh.instance {
			s.Errorf("%s reaches %q, want the youngest, %s: %s", v.name, got.Text, fresh.instance, got.Err)
		}
	}
	ended, want := time.Now(), fleet.MemberLeft
	if end == os.Kill {
		want = fleet.MemberUnreachable
	}
	old.stop(end)
	s.seen(deadline, want, old, append(viewers, fresh)...)
	s.Logf("new one known to all after %v; old one %s after %v",
		joined.Round(time.Millisecond), want, time.Since(ended).Round(time.Millisecond))
	s.lab.DNS.Del(query, old.host.Addr())
	s.lab.DNS.Del("web.internal", old.host.Addr())
	return fresh
}

func owned(members []fleet.Member, name string) bool {
	for _, m := range members {
		if m.Name == name && m.State == fleet.MemberAlive {
			return true
		}
	}
	return false
}

// callAlways calls a name again and again until the function that it returns is
// called, which fails the test if a call was not answered, or by an instance after
// a younger one had answered, and returns the number of calls.
func (s *scene) callAlways(from *process, name string) (stop func() int) {
	s.Helper()
	var stopped atomic.Bool
	done := make(chan int)
	go func() {
		n := 0
		var answered []string // instances in the order of their first answer
		for ; !stopped.Load(); n++ {
			id, err := from.give(order{Do: "get", Node: name, Target: "/again", Limit: deadline})
			if err != nil {
				s.Errorf("call %d to %s: %v", n, name, err)
				break
			}
			got, ok := from.reply(id, deadline)
			if !ok || got.Err != "" {
				s.Errorf("call %d to %s: no answer: %s", n, name, got.Err)
			}
			for i, instance := range answered {
				if instance == got.Text && i != len(answered)-1 {
					s.Errorf("call %d to %s: %s answers after a younger one has", n, name, got.Text)
				}
			}
			if got.Text != "" && (len(answered) == 0 || answered[len(answered)-1] != got.Text) {
				answered = append(answered, got.Text)
			}
		}
		done <- n
	}()
	return func() int {
		stopped.Store(true)
		return <-done
	}
}
