package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
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
	keys [][]byte
}

// NewCookies makes cookies of the cluster with these keys: the first signs, all are accepted.
func NewCookies(keys [][]byte) Cookies {
	cluster := sha256.Sum256(keys[0])
	return Cookies{Name: "convoy-" + hex.EncodeToString(cluster[:4]), keys: keys}
}

// Sign makes a cookie's value: the session and its HMAC-SHA-256 (RFC 2104), each base64url.
func (c Cookies) Sign(s Session) string {
	body, _ := json.Marshal(s) //nolint:errcheck // strings and a time always marshal
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(MAC(c.keys[0], text))
}

// Verify decodes a cookie's value; ok is false if it is forged, broken or expired.
func (c Cookies) Verify(value string, now time.Time) (s Session, ok bool) {
	text, sum, found := strings.Cut(value, ".")
	given, err := base64.RawURLEncoding.DecodeString(sum)
	if !found || err != nil {
		return Session{}, false
	}
	for _, key := range c.keys {
		if !hmac.Equal(given, MAC(key, text)) {
			continue
		}
		body, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || json.Unmarshal(body, &s) != nil {
			return Session{}, false
		}
		return s, now.Before(s.Expires) && now.Before(s.Seen.Add(sessionIdle))
	}
	return Session{}, false
}

// MAC is the HMAC-SHA-256 of a text.
func MAC(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// setCookie stores a login in the browser.
func (m *Manager) setCookie(w http.ResponseWriter, r *http.Request, s Session) {
	http.SetCookie(w, m.cookie(r, m.Cookies.Sign(s), int(time.Until(s.Expires)/time.Second)))
}

func (m *Manager) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     m.Cookies.Name,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   web.UsesTLS(r),
		SameSite: http.SameSiteStrictMode,
	}
}
