package peer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"convoy/fleet"
)

var birth = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

func entered(r *roster, name, instance string, age time.Duration) {
	r.alive(fleet.Member{Name: name, Instance: instance, Started: birth.Add(-age), Seen: birth})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestRosterYoungestOwnsTheName(t *testing.T) {
	t.Parallel()
	r := newRoster()
	entered(r, "n", "young", 0)
	entered(r, "n", "old", time.Hour)
	entered(r, "n", "twin", 0)
	for _, want := range []string{"young", "twin", "old"} { // of the same age, the greater id comes first
		m, err := r.owner("n")
		if err != nil || m.Instance != want {
			t.Errorf("owner is %q, %v; want %q", m.Instance, err, want)
		}
		r.gone(m.Instance, fleet.MemberUnreachable, birth)
	}
	if _, err := r.owner("n"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("owner of a lost name: %v", err)
	}
	if _, err := r.owner("other"); !errors.Is(err, ErrUnknownNode) {
		t.Errorf("owner of an unknown name: %v", err)
	}
}

// Goodbye and death come in either order; who has said goodbye has left.
func TestRosterLeft(t *testing.T) {
	t.Parallel()
	orders := [][]fleet.MemberState{
		{fleet.MemberLeft, fleet.MemberUnreachable},
		{fleet.MemberUnreachable, fleet.MemberLeft},
	}
	for _, order := range orders {
		r := newRoster()
		entered(r, "n", "i", 0)
		for _, state := range order {
			r.gone("i", state, birth)
		}
		if m, _ := r.get("i"); m.State != fleet.MemberLeft {
			t.Errorf("after %v: %s", order, m.State)
		}
		if _, news := r.gone("i", fleet.MemberLeft, birth); news {
			t.Error("a second goodbye is news")
		}
	}
}

func TestRosterForgets(t *testing.T) {
	t.Parallel()
	r := newRoster()
	entered(r, "living", "living", 0)
	entered(r, "left", "left", 0)
	entered(r, "lost", "lost", 0)
	entered(r, "living", "replaced", time.Hour)
	r.gone("left", fleet.MemberLeft, birth)
	r.gone("lost", fleet.MemberUnreachable, birth)
	r.gone("replaced", fleet.MemberUnreachable, birth)
	if lost := r.lost(); len(lost) != 1 || lost[0].Instance != "lost" {
		t.Errorf("lost are %v", lost)
	}
	changed := r.Changed()
	if next := r.expire(birth); !next.Equal(birth.Add(keepLeft)) || isClosed(changed) {
		t.Errorf("next expiry at %v", next)
	}
	if next := r.expire(
		birth.Add(keepLeft),
	); len(r.list()) != 2 || !isClosed(changed) ||
		!next.Equal(birth.Add(keepUnreachable)) {
		t.Errorf("after a minute: %v, next %v", r.list(), next)
	}
	r.expire(birth.Add(keepUnreachable))
	if list := r.list(); len(list) != 1 || list[0].Instance != "living" {
		t.Errorf("after an hour: %v", list)
	}
}

// A crash loop does not fill the list.
func TestRosterIsBounded(t *testing.T) {
	t.Parallel()
	r := newRoster()
	for i := range 3 * maxGone {
		instance := fmt.Sprint(i)
		entered(r, "n"+instance, instance, 0)
		r.gone(instance, fleet.MemberUnreachable, birth)
	}
	r.expire(birth)
	if n := len(r.list()); n > maxGone {
		t.Errorf("%d members that are gone", n)
	}
}

// Of two attempts to connect the older may fail after the younger has succeeded.
func TestStaleFailureSaysNothing(t *testing.T) {
	t.Parallel()
	r := newRoster()
	entered(r, "n", "i", 0)
	began := time.Now()
	r.setCallError("i", errors.New("refused"))
	if r.calledSince("i", began) {
		t.Error("a failure counts as a call")
	}
	if list := r.list(); list[0].State != fleet.MemberUnreachable || !r.isAlive("i") {
		t.Errorf("shown as %s", list[0].State)
	}
	if _, news := r.setCallError(
		"i",
		nil,
	); !news || !r.calledSince("i", began) ||
		r.calledSince("i", time.Now().Add(time.Second)) {
		t.Error("a success does not count")
	}
}
