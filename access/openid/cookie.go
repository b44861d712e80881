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
	// maxCookie bounds a cookie's value, in bytes; one has about 90.
	maxCookie = 200
	// maxUsed bounds how many logins are remembered as used; the oldest are forgotten.
	maxUsed = 10_000
)

// attempt is a login under way. Its cookie is ID.EXPIRES.MAC: a random text, which is the state of OAuth as well, a
// Unix time, and their HMAC-SHA-256 (RFC 2104) in base64url. The nonce and PKCE's verifier follow from the id by the
// key, so that neither the cookie nor a URL tells them.
type attempt struct {
	id      string
	expires time.Time
	key     []byte
}

func newAttempt(key []byte, now time.Time) attempt {
	return attempt{rand.Text(), now.Add(CookieLife), key}
}

// cookie is the cookie's value.
func (a attempt) cookie() string {
	text := a.id + "." + strconv.FormatInt(a.expires.Unix(), 10)
	return text + "." + a.mac("cookie "+text)
}

// readAttempt reads a cookie's value; ok is false if it is forged, broken or old.
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

// is compares with the state that came back, in constant time.
func (a attempt) matches(state string) bool { return equal(a.id, state) }

func (a attempt) nonce() string { return a.mac("nonce " + a.id) }

// verifier is of 43 characters that RFC 7636 (4.1) allows.
func (a attempt) verifier() string { return a.mac("verifier " + a.id) }

func (a attempt) mac(text string) string {
	h := hmac.New(sha256.New, a.key)
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// used are the logins that have come back, until their cookies are old.
type usedLogins struct {
	mu    sync.Mutex
	until map[string]time.Time
	order []string // of coming
}

// first reports whether a login comes back for the first time.
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
