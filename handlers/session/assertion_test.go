package session

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"convoy/access"
)

// Only what was signed is an assertion.
func FuzzAssertion(f *testing.F) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	good := Assertion{
		Who:   access.Identity{User: "ann", Role: access.Operator, Grant: "x"},
		Addr:  "[::1]:5",
		Until: now.Add(AssertionLife).UTC(),
	}
	signed := good.Sign(keyOf('n'))
	f.Add(signed)
	f.Add(good.Sign(keyOf('z')))
	f.Add("1.e30.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		said, ok := VerifyAssertion([][]byte{keyOf('n')}, text, now)
		if text == signed && !ok || ok && (said.Who != good.Who || !said.Until.Equal(good.Until)) {
			t.Errorf("%q is %+v, %v", text, said, ok)
		}
	})
}

// A node says the same again for a while, about the same user with the same role at the same address, and believes what
// it has verified no longer than it is valid.
func TestAssertion_UsedAgain(t *testing.T) {
	t.Parallel()
	m := &Manager{Config: Config{Self: "convoy@a.test", Assertions: [][]byte{keyOf('n')}}}
	say := func(user string, role access.Role, addr string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		who := Session{Identity: access.Identity{User: user, Grant: "x"}, Role: role, addr: addr}
		m.SignRequest(With(t.Context(), who), r)
		return r
	}
	said := map[string]string{}
	for range 2 {
		for _, who := range []Session{
			{Identity: access.Identity{User: "ann"}, Role: access.Admin, addr: "[::1]:5"},
			{Identity: access.Identity{User: "ann"}, Role: access.Viewer, addr: "[::1]:5"},
			{Identity: access.Identity{User: "ann"}, Role: access.Admin, addr: "[::1]:6"},
			{Identity: access.Identity{User: "bea"}, Role: access.Admin, addr: "[::1]:5"},
		} {
			r := say(who.User, who.Role, who.addr)
			a, ok := m.assertion(r)
			if !ok || a.Who.User != who.User || a.Who.Role != who.Role || a.Addr != who.addr {
				t.Errorf("of %s, %s: %+v, %v", who.User, who.Role, a, ok)
			}
			said[r.Header.Get(AssertionHeader)] = who.User
		}
	}
	if len(said) != 4 {
		t.Errorf("%d assertions about four, each asked for twice", len(said))
	}
	r := say("ann", access.Admin, "[::1]:5")
	a, _ := m.assertion(r)
	a.Until = time.Now().Add(-time.Hour)
	m.verified.put(r.Header.Get(AssertionHeader), a)
	if _, ok := m.assertion(r); ok {
		t.Error("an assertion that was verified once stays valid")
	}
}

func keyOf(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }
