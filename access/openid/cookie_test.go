package openid

import (
	"testing"
	"time"
)

// A login is valid once, however many there are.
func TestUsed(t *testing.T) {
	var u usedLogins
	now := time.Now()
	ends := now.Add(CookieLife)
	if !u.markUsed("a", ends, now) || u.markUsed("a", ends, now) || !u.markUsed("b", ends, now) ||
		u.markUsed("a", ends, now) {
		t.Error("a login counts other than once")
	}
	if u.markUsed("b", ends, ends.Add(-1)); !u.markUsed("c", ends.Add(CookieLife), ends) || len(u.until) != 1 ||
		len(u.order) != 1 {
		t.Errorf("what is old is remembered: %v", u.order)
	}
}

// Only what was signed is a cookie.
func FuzzCookie(f *testing.F) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	keys := [][]byte{[]byte("new key"), []byte("old key")}
	a := attempt{"DZ2J6VVSHWIHXUWWBFRFPQNM2W", now.Add(CookieLife), keys[1]} // the same in all processes
	signed := a.cookie()
	f.Add(signed)
	f.Add(attempt{a.id, a.expires, []byte("another")}.cookie())
	f.Add("..")
	f.Add("a.1795601400.AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		read, ok := readAttempt(keys, text, now)
		if text == signed && !ok || ok && (text != signed || read.id != a.id || !read.matches(a.id)) {
			t.Errorf("%q is %+v, %v", text, read, ok)
		}
	})
}
