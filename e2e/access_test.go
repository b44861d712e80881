package e2e

import (
	"fmt"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// losses are the ways in which somebody loses what they may do.
var losses = []struct {
	name string
	take func(t *testing.T, s *subject)
	want int // what they are answered afterwards, where it takes an admin
}{
	{"removed", func(t *testing.T, s *subject) { s.user(t, "", "remove", s.name) }, 401},
	{"demoted", func(t *testing.T, s *subject) { s.user(t, "", "role", s.name, "viewer") }, 403},
	{"password changed", func(t *testing.T, s *subject) { s.user(t, "another password", "passwd", s.name) }, 401},
	{"added again", func(t *testing.T, s *subject) {
		s.user(t, "", "remove", s.name)
		s.user(t, "their password", "add", s.name, "-role", "admin")
	}, 401},
	{"token ended", func(t *testing.T, s *subject) {
		testkit.Must(t, s.a.Do(testkit.Context(t), "DELETE", "/tokens/"+s.token, nil, nil))
	}, 401},
	{"logged out", func(t *testing.T, s *subject) { s.does(t, 303, "POST", "/logout", "") }, 401},
	{"ended by an admin", func(t *testing.T, s *subject) {
		var list []struct{ ID, User string }
		testkit.Must(t, s.a.Do(testkit.Context(t), "GET", "/logins", nil, &list))
		for _, one := range list {
			if one.User == s.name {
				testkit.Must(t, s.a.Do(testkit.Context(t), "DELETE", "/logins/"+one.ID, nil, nil))
			}
		}
	}, 401},
}

// Whatever somebody has open, or has begun, ends when their right to it does, wherever they asked for it: on the node
// with the file of users and on another. Nothing more comes, and nothing more is done, while another's shells go on.
func TestRights_WhatIsOpenEnds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	var names []string
	for i := range losses {
		names = append(names, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i))
	}
	p := newPair(t, names)
	for _, n := range []byHand{p.a, p.b} { // another's shells
		var s client.Shell
		testkit.Must(t, n.Do(testkit.Context(t), "POST", "/nodes/"+n.name+"/shells", []byte(`{"kind":"convoy"}`), &s))
		loop := []byte(p.ticks.loop("another's on "+n.name) + "\r")
		testkit.Must(t, n.Do(testkit.Context(t), "POST", s.Path()+"/input", loop, nil))
	}
	t.Run("all", func(t *testing.T) {
		for i, loss := range losses {
			t.Run(loss.name, func(t *testing.T) {
				t.Parallel() // two at once, where a node runs four evaluations
				twoAtOnce <- struct{}{}
				defer func() { <-twoAtOnce }()
				here := &subject{pair: p, name: fmt.Sprint("a", i), console: p.a, far: p.b, left: loss.want}
				there := &subject{pair: p, name: fmt.Sprint("b", i), console: p.b, far: p.a, left: loss.want}
				after := map[*subject][]func(*testing.T){}
				for _, s := range []*subject{here, there} {
					s.logsIn(t, loss.name == "token ended")
					after[s] = s.opensAll(t)
				}
				for s := range after {
					loss.take(t, s)
				}
				for s, afters := range after {
					s.eventually(t, s.left, "GET", "/tokens")
					for i, holds := range afters { // in their order: a stream has ended before anything is read at full speed
						t.Run(uses[i].name+", by "+s.console.name, holds)
					}
				}
				here.silent(t)
				there.silent(t)
			})
		}
	})
}

// twoAtOnce bounds what the nodes do at the same time.
var twoAtOnce = make(chan struct{}, 2)

// opensAll opens everything, and returns for each what has to hold when the right is lost.
func (s *subject) opensAll(t *testing.T) (after []func(*testing.T)) {
	for _, u := range uses {
		after = append(after, u.open(t, s))
	}
	for _, u := range uses {
		if u.tick {
			s.ticks.await(t, s.name+" "+u.name, 2)
		}
	}
	return after
}

// silent waits until the subject's loops have ended, and sees that they stay so while another's go on.
func (s *subject) silent(t *testing.T) {
	t.Helper()
	count := func() (n int) {
		for _, u := range uses {
			one, _ := s.ticks.of(s.name + " " + u.name)
			n += one
		}
		return n
	}
	another := func() {
		for _, n := range []byHand{s.a, s.b} {
			s.ticks.await(t, "another's on "+n.name, 10)
		}
	}
	ctx := testkit.Context(t)
	for was := -1; was != count(); another() {
		if was = count(); ctx.Err() != nil {
			t.Fatal("loops continue after their user has lost the right")
		}
	}
	was := count()
	another()
	if now := count(); now != was {
		t.Errorf("%d actions more of who has lost their right", now-was)
	}
}
