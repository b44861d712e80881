package session

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"convoy/handlers/web"
)

const (
	// sessionLife is how long a login lasts, sessionIdle how long without being used.
	sessionLife = 30 * 24 * time.Hour
	sessionIdle = 7 * 24 * time.Hour
	// seenStep is how often the last use of a login is stored in its cookie.
	seenStep = time.Hour
)

// Cookies signs and verifies sessions for cookies.
type Cookies struct {
	Name string // browsers share cookies between ports, so each cluster has its own
	keys Keys
}

// NewCookies makes cookies of the cluster with these keys: the first signs, all are accepted.
func NewCookies(keys [][]byte) Cookies {
	cluster := sha256.Sum256(keys[0])
	return Cookies{Name: "convoy-" + hex.EncodeToString(cluster[:4]), keys: keys}
}

// Sign makes a cookie's value.
func (c Cookies) Sign(s Session) string { return c.keys.sign("", s) }

// Verify decodes a cookie's value; ok is false if it is forged, broken or expired.
func (c Cookies) Verify(value string, now time.Time) (s Session, ok bool) {
	if !c.keys.verify("", value, &s) {
		return Session{}, false
	}
	return s, s.current(now)
}

// current reports whether a login has neither expired nor been unused for too long.
func (s *Session) current(now time.Time) bool {
	return now.Before(s.Expires) && now.Before(s.Seen.Add(sessionIdle))
}

// byCookie is the session of a cookie's value. The same value, byte for byte, is verified once.
func (m *Manager) byCookie(value string, now time.Time) (s Session, ok bool) {
	if s, ok = m.cookies.get(value); ok {
		return s, s.current(now)
	}
	if s, ok = m.Cookies.Verify(value, now); ok {
		m.cookies.put(strings.Clone(value), s) // not the whole header
	}
	return s, ok
}

// setCookie stores a login in the browser.
func (m *Manager) setCookie(w http.ResponseWriter, r *http.Request, s Session) {
	http.SetCookie(w, m.cookie(r, m.Cookies.Sign(s), int(time.Until(s.Expires)/time.Second)))
}

func (m *Manager) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     m.Cookies.Name,
		Value:    value,
		Path:     m.Site.CookiePath(),
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   web.UsesTLS(r),
		SameSite: http.SameSiteStrictMode,
	}
}
