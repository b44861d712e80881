package peer

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

const (
	minCookieChars    = 32
	maxCookieChars    = 1024
	minCookieVariety  = 10 // different characters; 32 random hex digits have 14
	cookieRandomBytes = 32
	keyBytes          = 32
	keySalt           = "convoy cluster v1"
)

// ErrWeakCookie says that a cookie can be guessed; the error that wraps it says
// why. A listener on the network tries hundreds of thousands of cookies a
// second, so that only length and randomness protect a cluster.
var ErrWeakCookie = errors.New("weak cookie")

// knownCookies have been published with programs and their manuals.
var knownCookies = []string{"super-secret-cookie", "supersecretcookie", "secret-cookie", "changeme", "change-me"}

// NewCookie makes a cookie of 32 random bytes, 43 characters long.
func NewCookie() string {
	var b [cookieRandomBytes]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Cookies splits a list such as "new,old". The first is used, all are trusted.
func Cookies(list string) []string {
	cookies := strings.Split(list, ",")
	for i, c := range cookies {
		cookies[i] = strings.TrimSpace(c)
	}
	return cookies
}

// CheckCookie tells whether each cookie of a list is strong enough to keep
// strangers out. The error wraps ErrWeakCookie, gives the reason, and does not
// contain the cookie.
func CheckCookie(list string) error {
	for i, cookie := range Cookies(list) {
		if reason := weakness(cookie); reason != "" {
			return fmt.Errorf("%w: cookie %d of the list %s", ErrWeakCookie, i+1, reason)
		}
	}
	return nil
}

// weakness is why a cookie is refused, "" if it is not.
func weakness(cookie string) string {
	switch {
	case cookie == "":
		return "is empty"
	case len(cookie) > maxCookieChars:
		return fmt.Sprintf("is longer than %d characters", maxCookieChars)
	case !only(cookie, func(c byte) bool { return ' ' < c && c < 0x7f }):
		return "has a space, or something else than printable ASCII"
	}
	for _, known := range knownCookies {
		if strings.Contains(strings.ToLower(cookie), known) {
			return "contains a published example"
		}
	}
	switch {
	case len(cookie) < minCookieChars:
		return fmt.Sprintf("has %d characters, and needs %d", len(cookie), minCookieChars)
	case variety(cookie) < minCookieVariety:
		return fmt.Sprintf("is made of fewer than %d different characters", minCookieVariety)
	case repeats(cookie):
		return "repeats one short text"
	case 3*neighbours(cookie) > 2*len(cookie):
		return "is a row of neighbouring characters"
	}
	return ""
}

func variety(s string) int {
	var seen [256]bool
	n := 0
	for i := range len(s) {
		if !seen[s[i]] {
			seen[s[i]] = true
			n++
		}
	}
	return n
}

// repeats reports a text of less than the minimal length, written again and again.
func repeats(s string) bool {
	for period := 1; period < min(minCookieChars, len(s)/2+1); period++ {
		if s[period:] == s[:len(s)-period] {
			return true
		}
	}
	return false
}

// neighbours counts the steps to the same or the next character, as in "aab" and "cba".
func neighbours(s string) int {
	n := 0
	for i := 1; i < len(s); i++ {
		if d := int(s[i]) - int(s[i-1]); -1 <= d && d <= 1 {
			n++
		}
	}
	return n
}

// Key derives 32 bytes for one purpose, such as "session", by HKDF-SHA-256
// (RFC 5869). Keys of different purposes say nothing of one another or of the
// cookie. Of a list the first cookie is taken.
func Key(cookie, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(Cookies(cookie)[0]), []byte(keySalt), purpose, keyBytes)
	if err != nil { // only for a length beyond 255 hashes
		panic(err)
	}
	return key
}
