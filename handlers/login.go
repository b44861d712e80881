package handlers

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"convoy/access"
	"convoy/audit"
	"convoy/templates"
)

// sessionLife is how long a login lasts.
const sessionLife = 30 * 24 * time.Hour

// session is what a login cookie says. It is signed, not encrypted, and nothing of it is kept on the server: any node
// that holds the cluster's cookie honours it.
type session struct {
	ID      string      `json:"id"`
	User    string      `json:"user"`
	Role    access.Role `json:"role"`
	Expires time.Time   `json:"expires"`

	addr string // where the request came from
}

// login checks tokens and signs sessions.
type login struct {
	token [sha256.Size]byte
	keys  [][]byte
	name  string // of the cookie: browsers share cookies between ports, so each cluster has its own
}

func newLogin(token string, keys [][]byte) *login {
	cluster := sha256.Sum256(keys[0])
	return &login{token: sha256.Sum256([]byte(token)), keys: keys, name: "convoy-" + hex.EncodeToString(cluster[:4])}
}

// checkToken compares in constant time.
func (l *login) checkToken(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], l.token[:]) == 1
}

// sign makes a cookie's value: the session and its HMAC-SHA-256 (RFC 2104), each base64url.
func (l *login) sign(s session) string {
	body, _ := json.Marshal(s) //nolint:errcheck // strings and a time always marshal
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(l.keys[0], text))
}

// verify reads a cookie's value; ok is false if it is forged, broken or over.
func (l *login) verify(value string, now time.Time) (s session, ok bool) {
	text, sum, found := strings.Cut(value, ".")
	given, err := base64.RawURLEncoding.DecodeString(sum)
	if !found || err != nil {
		return session{}, false
	}
	for _, key := range l.keys {
		if !hmac.Equal(given, mac(key, text)) {
			continue
		}
		body, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || json.Unmarshal(body, &s) != nil {
			return session{}, false
		}
		return s, now.Before(s.Expires)
	}
	return session{}, false
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

type sessionKey struct{}

// sessionOf is who asks; the zero session is nobody.
func sessionOf(r *http.Request) session { return sessionFrom(r.Context()) }

// sessionFrom is who asked for what a context is of.
func sessionFrom(ctx context.Context) session {
	s, _ := ctx.Value(sessionKey{}).(session)
	return s
}

// identify finds out who asks, by bearer token or by cookie. It refuses nobody.
func (h *Handlers) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, ok := h.whoAsks(r); ok {
			s.addr = h.addrOf(r)
			r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, s))
		}
		next.ServeHTTP(w, r)
	})
}

func (h *Handlers) whoAsks(r *http.Request) (session, bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return session{ID: "token", User: "token", Role: access.Admin}, h.login.checkToken(token)
	}
	cookie, err := r.Cookie(h.login.name)
	if err != nil {
		return session{}, false
	}
	return h.login.verify(cookie.Value, time.Now())
}

// requireLogin lets nobody through who is nobody.
func (h *Handlers) requireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sessionOf(r).ID != "" {
			next.ServeHTTP(w, r)
			return
		}
		h.refuseStranger(w, r)
	})
}

// refuseStranger answers 401: the login page for browsers, JSON for scripts.
func (h *Handlers) refuseStranger(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="convoy"`)
	if wantsHTML(r) && r.Header.Get("HX-Request") == "" {
		if err := h.set.Render(w, http.StatusUnauthorized, "login", templates.Login{Page: h.page(r, "Log in")}); err != nil {
			h.Log.Debug("answer not sent", "err", err)
		}
		return
	}
	h.fail(w, r, &problem{Status: http.StatusUnauthorized, Text: "not logged in", Hint: "log in at /login, or send Authorization: Bearer with the token"})
}

// GET /login
func (h *Handlers) showLogin(w http.ResponseWriter, r *http.Request) error {
	if sessionOf(r).ID != "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return h.set.Render(w, http.StatusOK, "login", templates.Login{Page: h.page(r, "Log in")})
}

// POST /login
func (h *Handlers) logIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := r.ParseForm(); err != nil {
		return badRequest("the form cannot be read")
	}
	if !h.login.checkToken(strings.TrimSpace(r.PostForm.Get("token"))) {
		h.Log.Warn("login refused", "addr", h.addrOf(r))
		h.noteLogin(r, session{}, audit.Refused)
		return h.set.Render(w, http.StatusUnauthorized, "login", templates.Login{Page: h.page(r, "Log in"), Error: "That token is not the one that Convoy printed when it started."})
	}
	h.setSession(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// POST /logout
func (h *Handlers) logOut(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, h.cookie(r, "", -1))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// setSession logs the browser in.
func (h *Handlers) setSession(w http.ResponseWriter, r *http.Request) {
	s := session{ID: rand.Text(), User: "admin", Role: access.Admin, Expires: time.Now().Add(sessionLife).UTC()}
	http.SetCookie(w, h.cookie(r, h.login.sign(s), int(sessionLife/time.Second)))
	h.Log.Info("logged in", "addr", h.addrOf(r))
	h.noteLogin(r, s, audit.OK)
}

func (h *Handlers) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: h.login.name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: h.byTLS(r), SameSite: http.SameSiteStrictMode}
}

// byTLS reports whether a request came by TLS, here or at the proxy in front.
func (h *Handlers) byTLS(r *http.Request) bool {
	return r.TLS != nil || h.Proxied && r.Header.Get("X-Forwarded-Proto") == "https"
}

// addrOf is where a request came from. A proxy's word is taken only where there is one: anybody can write a header.
func (h *Handlers) addrOf(r *http.Request) string {
	if real := r.Header.Get("X-Real-IP"); h.Proxied && real != "" {
		return real
	}
	return r.RemoteAddr
}
