package peer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"convoy/fleet"
)

var birth = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

func addMember(r *roster, name, instance string, age time.Duration) {
	r.setAlive(fleet.Member{Name: name, Instance: instance, Started: birth.Add(-age), Seen: birth})
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
	addMember(r, "n", "young", 0)
	addMember(r, "n", "old", time.Hour)
	addMember(r, "n", "twin", 0)
	for _, want := range []string{"young", "twin", "old"} {
		m, err := r.owner("n")
		if err != nil || m.Instance != want {
			t.Errorf("owner is %q, %v; want %q", m.Instance, err, want)
		}
		r.setGone(m.Instance, fleet.MemberUnreachable, birth)
	}
	if _, err := r.owner("n"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("owner of a lost name: %v", err)
	}
	if _, err := r.owner("other"); !errors.Is(err, ErrUnknownNode) {
		t.Errorf("owner of an unknown name: %v", err)
	}
}

// Leave and death come in either order; the result is left.
func TestRosterLeft(t *testing.T) {
	t.Parallel()
	orders := [][]fleet.MemberState{
		{fleet.MemberLeft, fleet.MemberUnreachable},
		{fleet.MemberUnreachable, fleet.MemberLeft},
	}
	for _, order := range orders {
		r := newRoster()
		addMember(r, "n", "i", 0)
		for _, state := range order {
			r.setGone("i", state, birth)
		}
		if m, _ := r.get("i"); m.State != fleet.MemberLeft {
			t.Errorf("after %v: %s", order, m.State)
		}
		if _, news := r.setGone("i", fleet.MemberLeft, birth); news {
			t.Error("a second goodbye is news")
		}
	}
}

func TestRosterForgets(t *testing.T) {
	t.Parallel()
	r := newRoster()
	addMember(r, "living", "living", 0)
	addMember(r, "left", "left", 0)
	addMember(r, "lost", "lost", 0)
	addMember(r, "living", "replaced", time.Hour)
	r.setGone("left", fleet.MemberLeft, birth)
	r.setGone("lost", fleet.MemberUnreachable, birth)
	r.setGone("replaced", fleet.MemberUnreachable, birth)
	if lost := r.lost(); len(lost) != 1 || lost[0].Instance != "lost" {
		t.Errorf("lost are %v", lost)
	}
	changed := r.Changed()
	if next := r.expire(birth); !next.Equal(birth.Add(keepLeft)) || isClosed(changed) {
		t.Errorf("next expiry at %v", next)
	}
	if next := r.expire(birth.Add(keepLeft)); len(r.list()) != 2 || !isClosed(changed) ||
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
		addMember(r, "n"+instance, instance, 0)
		r.setGone(instance, fleet.MemberUnreachable, birth)
	}
	r.expire(birth)
	if n := len(r.list()); n > maxGone {
		t.Errorf("%d members that are gone", n)
	}
}

// The older of two dials may fail after the younger has succeeded.
func TestStaleFailureSaysNothing(t *testing.T) {
	t.Parallel()
	r := newRoster()
	addMember(r, "n", "i", 0)
	began := time.Now()
	r.setCallError("i", errors.New("refused"))
	if r.calledSince("i", began) {
		t.Error("a failure counts as a call")
	}
	if list := r.list(); list[0].State != fleet.MemberUnreachable || !r.isAlive("i") {
		t.Errorf("shown as %s", list[0].State)
	}
	if _, news := r.setCallError("i", nil); !news || !r.calledSince("i", began) ||
		r.calledSince("i", time.Now().Add(time.Second)) {
		t.Error("a success does not count")
	}
}
