package openid

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// CookieLife is how long a login may take.
	CookieLife = 10 * time.Minute
	// maxCookie bounds a cookie's value, in bytes; it has about 90.
	maxCookie = 200
	// maxUsed bounds how many used logins are remembered; the oldest are forgotten.
	maxUsed = 10_000
)

// attempt is a login in progress. Its cookie is ID.EXPIRES.MAC: a random text, which is also OAuth's state, a Unix
// time, and their HMAC-SHA-256 (RFC 2104) in base64url. The nonce and the PKCE verifier are derived from the id with
// the key, so neither the cookie nor a URL reveals them.
type attempt struct {
	id      string
	expires time.Time
	key     []byte
}

func newAttempt(key []byte, now time.Time) attempt {
	return attempt{rand.Text(), now.Add(CookieLife), key}
}

// cookie returns the cookie's value.
func (a attempt) cookie() string {
	text := a.id + "." + strconv.FormatInt(a.expires.Unix(), 10)
	return text + "." + a.mac("cookie "+text)
}

// readAttempt parses a cookie's value; ok is false if it is forged, malformed or expired.
func readAttempt(keys [][]byte, cookie string, now time.Time) (a attempt, ok bool) {
	i := strings.LastIndexByte(cookie, '.')
	if i < 0 || len(cookie) > maxCookie {
		return attempt{}, false
	}
	text, sum := cookie[:i], cookie[i+1:]
	for _, a.key = range keys {
		if !equal(sum, a.mac("cookie "+text)) {
			continue
		}
		id, expires, _ := strings.Cut(text, ".")
		seconds, err := strconv.ParseInt(expires, 10, 64)
		a.id, a.expires = id, time.Unix(seconds, 0)
		return a, err == nil && now.Before(a.expires)
	}
	return attempt{}, false
}

// matches compares the state of a callback, in constant time.
func (a attempt) matches(state string) bool { return equal(a.id, state) }

func (a attempt) nonce() string { return a.mac("nonce " + a.id) }

// verifier has 43 characters that RFC 7636 (4.1) allows.
func (a attempt) verifier() string { return a.mac("verifier " + a.id) }

func (a attempt) mac(text string) string {
	h := hmac.New(sha256.New, a.key)
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// usedLogins remembers completed logins until their cookies expire.
type usedLogins struct {
	mu    sync.Mutex
	until map[string]time.Time
	order []string // oldest first
}

// markUsed reports whether a login is used for the first time.
func (u *usedLogins) markUsed(id string, expires, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.order) > 0 && (len(u.order) >= maxUsed || !now.Before(u.until[u.order[0]])) {
		delete(u.until, u.order[0])
		u.order = u.order[1:]
	}
	if _, known := u.until[id]; known {
		return false
	}
	if u.until == nil {
		u.until = map[string]time.Time{}
	}
	u.until[id], u.order = expires, append(u.order, id)
	return true
}
