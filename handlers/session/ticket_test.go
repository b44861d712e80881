package session

import (
	"testing"
	"time"

	"convoy/access"
)

// What is remembered of used tickets is bounded, for one login and for all of them, and expires.
func TestTickets_Bounded(t *testing.T) {
	t.Parallel()
	tickets := NewTickets([][]byte{keyOf('k')})
	at := time.Now()
	tickets.Now = func() time.Time { return at }
	once := func(grant string) bool {
		return tickets.use("pass", grant, tickets.Issue("pass", grant, passLife))
	}
	for i := range maxUsed {
		if !once("greedy") {
			t.Fatalf("pass %d of one login is refused", i)
		}
	}
	if once("greedy") || !once("another") {
		t.Error("one login's passes are not bounded, or another's are refused")
	}
	for i := range maxUsedInTotal {
		once(time.Duration(i).String())
	}
	if tickets.count != maxUsedInTotal || once("one more") {
		t.Errorf("%d are remembered", tickets.count)
	}
	at = at.Add(passLife)
	if !once("one more") || tickets.count != 1 || len(tickets.used) != 1 {
		t.Errorf("after they expired: %d are remembered", tickets.count)
	}
}

func FuzzTicket(f *testing.F) {
	tickets := NewTickets([][]byte{keyOf('k')})
	f.Add(tickets.Issue("pass", "x", time.Hour)[1:])
	f.Add("e30.AAAA")
	f.Add(NewCookies([][]byte{keyOf('k')}).Sign(Session{Identity: access.Identity{Grant: "x"}}))
	f.Fuzz(func(t *testing.T, text string) {
		if one, ok := tickets.read(text); ok {
			t.Errorf("%q is a ticket of %v", text, one)
		}
	})
}
