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
	minCookieVariety  = 10 // distinct characters; 32 random hex digits have 14
	cookieRandomBytes = 32
	keyBytes          = 32
	keySalt           = "convoy cluster v1"
)

// ErrWeakCookie reports a guessable cookie; the error that wraps it says why. An eavesdropper tries hundreds of
// thousands of cookies per second, so only length and randomness protect a cluster.
var ErrWeakCookie = errors.New("weak cookie")

// knownCookies are published in programs and manuals.
var knownCookies = []string{"super-secret-cookie", "supersecretcookie", "secret-cookie", "changeme", "change-me"}

// NewCookie returns a cookie of 32 random bytes, 43 characters long.
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

// CheckCookie checks that each cookie of a list is strong enough. The error wraps ErrWeakCookie with the reason, but
// not the cookie.
func CheckCookie(list string) error {
	for i, cookie := range Cookies(list) {
		if reason := weakness(cookie); reason != "" {
			return fmt.Errorf("%w: cookie %d of the list %s", ErrWeakCookie, i+1, reason)
		}
	}
	return nil
}

// weakness says why a cookie is refused, "" if it is not.
func weakness(cookie string) string {
	switch {
	case cookie == "":
		return "is empty"
	case len(cookie) > maxCookieChars:
		return fmt.Sprintf("is longer than %d characters", maxCookieChars)
	case !allBytes(cookie, func(c byte) bool { return ' ' < c && c < 0x7f }):
		return "contains a space, or a character that is not printable ASCII"
	}
	for _, known := range knownCookies {
		if strings.Contains(strings.ToLower(cookie), known) {
			return "contains a published example"
		}
	}
	switch {
	case len(cookie) < minCookieChars:
		return fmt.Sprintf("has %d characters, the minimum is %d", len(cookie), minCookieChars)
	case distinctBytes(cookie) < minCookieVariety:
		return fmt.Sprintf("has fewer than %d different characters", minCookieVariety)
	case repeats(cookie):
		return "repeats a short text"
	case 3*neighbours(cookie) > 2*len(cookie):
		return "is a sequence of neighbouring characters"
	}
	return ""
}

func distinctBytes(s string) int {
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

// repeats reports whether s repeats a text shorter than the minimum length.
func repeats(s string) bool {
	for period := 1; period < min(minCookieChars, len(s)/2+1); period++ {
		if s[period:] == s[:len(s)-period] {
			return true
		}
	}
	return false
}

// neighbours counts the steps to the same or an adjacent character, as in "aab" and "cba".
func neighbours(s string) int {
	n := 0
	for i := 1; i < len(s); i++ {
		if d := int(s[i]) - int(s[i-1]); -1 <= d && d <= 1 {
			n++
		}
	}
	return n
}

// Key derives 32 bytes for one purpose, such as "session", with HKDF-SHA-256 (RFC 5869). Keys for different purposes
// are independent of each other and do not reveal the cookie. Of a list, the first cookie is used.
func Key(cookie, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(Cookies(cookie)[0]), []byte(keySalt), purpose, keyBytes)
	if err != nil { // only for a length beyond 255 hashes
		panic(err)
	}
	return key
}
