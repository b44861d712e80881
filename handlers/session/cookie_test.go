package session

import (
	"bytes"
	"testing"
	"time"

	"convoy/access"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	key, old, now := bytes.Repeat([]byte("a"), 32), bytes.Repeat([]byte("b"), 32), time.Now()
	was := NewCookies([][]byte{old})
	is := NewCookies([][]byte{key, old})
	m := &Manager{Cookies: is}
	s := Session{Identity: access.Identity{Grant: "1", User: "admin"}, Seen: now, Expires: now.Add(time.Hour)}
	unused := Session{
		Identity: access.Identity{Grant: "2"},
		Seen:     now.Add(-sessionIdle - time.Second),
		Expires:  now.Add(time.Hour),
	}
	for _, test := range []struct {
		name, value string
		at          time.Time
		want        bool
	}{
		{"own", is.Sign(s), now, true},
		{"signed by the key before", was.Sign(s), now, true},
		{"unused for long", is.Sign(unused), now, false},
		{"over", is.Sign(s), now.Add(2 * time.Hour), false},
		{"another key", NewCookies([][]byte{bytes.Repeat([]byte("c"), 32)}).Sign(s), now, false},
		{"changed", "x" + is.Sign(s), now, false},
		{"cut", is.Sign(s)[:20], now, false},
		{"empty", "", now, false},
		{"only a dot", ".", now, false},
	} {
		if _, ok := is.Verify(test.value, test.at); ok != test.want {
			t.Errorf("%s: %v, want %v", test.name, ok, test.want)
		}
		for range 2 { // the second time it may be known
			if got, ok := m.byCookie(test.value, test.at); ok != test.want || ok && got.User != s.User {
				t.Errorf("%s: %v, %v, want %v", test.name, got, ok, test.want)
			}
		}
	}
}

func FuzzSession(f *testing.F) {
	l := NewCookies([][]byte{bytes.Repeat([]byte("a"), 32)})
	f.Add(l.Sign(Session{Identity: access.Identity{Grant: "1"}})[1:])
	f.Add("e30.AAAA")
	f.Fuzz(func(t *testing.T, value string) {
		if s, ok := l.Verify(value, time.Time{}); ok {
			t.Errorf("%q is a session of %v", value, s)
		}
	})
}
