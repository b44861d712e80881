package handlers

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"convoy/access"
	"convoy/audit"
	"convoy/templates"
)

const (
	// sessionLife is how long a login lasts at the most, and sessionIdle how long without being used.
	sessionLife = 30 * 24 * time.Hour
	sessionIdle = 7 * 24 * time.Hour
	// seenStep is how often a login's use is noted in its cookie.
	seenStep = time.Hour
)

// login checks tokens and signs sessions.
type login struct {
	token [sha256.Size]byte
	keys  [][]byte
	name  string // of the cookie: browsers share cookies between ports, so each cluster has its own

	throttle access.Throttle
	checks   *access.Quota // of passwords that are compared
	now      func() time.Time
}

func newLogin(token string, keys [][]byte) *login {
	cluster := sha256.Sum256(keys[0])
	return &login{
		token:  sha256.Sum256([]byte(token)),
		keys:   keys,
		checks: newChecks(),
		now:    time.Now,
		name:   "convoy-" + hex.EncodeToString(cluster[:4]),
	}
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
		return s, now.Before(s.Expires) && now.Before(s.Seen.Add(sessionIdle))
	}
	return session{}, false
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// identify finds out who asks, by bearer token or by cookie. It refuses only whoever sends wrong tokens too often.
func (h *Handlers) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, pass := takePass(r)
		if s, ok := h.whoAsks(r); ok {
			s.addr = h.addrOf(r)
			if !h.proves(r, s, pass) {
				next.ServeHTTP(w, asUnproven(r, s))
				return
			}
			h.renew(w, r, s)
			h.serveAs(next, w, r, s)
			return
		}
		if token, ok := bearerOf(r); ok {
			if err := h.wrongToken(r, token, "bearer token"); err != nil {
				h.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// bearerOf is the token of a request's header.
func bearerOf(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// renew notes that a login or a token was used: in the list of them, and in a login's cookie.
func (h *Handlers) renew(w http.ResponseWriter, r *http.Request, s session) {
	now := time.Now()
	if s.Seen.IsZero() || now.Sub(s.Seen) < seenStep { // the printed token is noted nowhere
		return
	}
	h.used(s)
	if s.Expires.IsZero() { // an API token, which has no cookie
		return
	}
	s.Seen = now.UTC()
	h.resign(w, r, s)
}

// whoAsks is who asks by a bearer token or by a cookie, with the role that they have now; false if they have none.
func (h *Handlers) whoAsks(r *http.Request) (s session, ok bool) {
	if token, bearer := bearerOf(r); bearer {
		s, ok = h.byToken(token)
		s.bearer = true
	} else if cookie, err := r.Cookie(h.login.name); err == nil {
		s, ok = h.login.verify(cookie.Value, time.Now())
	}
	if !ok || s.Grant == "" {
		return session{}, false
	}
	s.Role = h.Authority.Role(r.Context(), s.Identity)
	return s, s.Role != access.Nobody
}

// requireLogin lets nobody through who is nobody.
func (h *Handlers) requireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sessionOf(r).Grant != "" {
			next.ServeHTTP(w, r)
			return
		}
		h.refuseStranger(w, r)
	})
}

// refuseStranger answers 401: the login page for browsers, JSON for scripts.
func (h *Handlers) refuseStranger(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="convoy"`)
	document := wantsHTML(r) && r.Header.Get("HX-Request") == ""
	if h.refuseUnproven(w, r, document) {
		return
	}
	if document {
		if err := h.set.Render(w, http.StatusUnauthorized, "login", h.loginPage(r, "")); err != nil {
			h.Log.Debug("answer not sent", "err", err)
		}
		return
	}
	h.fail(w, r, errNotLoggedIn)
}

var errNotLoggedIn = &problem{
	Status: http.StatusUnauthorized,
	Text:   "not logged in",
	Hint:   "log in at /login, or send Authorization: Bearer with a token",
}

// GET /login
func (h *Handlers) showLogin(w http.ResponseWriter, r *http.Request) error {
	if sessionOf(r).Grant != "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return h.set.Render(w, http.StatusOK, "login", h.loginPage(r, ""))
}

// POST /login
func (h *Handlers) logIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := r.ParseForm(); errors.Is(err, errSlowBody) {
		return err
	} else if err != nil {
		return badRequest("the form cannot be read")
	}
	s, err := h.admit(r)
	if err != nil {
		h.loginRefused(r, session{Identity: access.Identity{User: clipped(r.PostForm.Get("name"))}}, "form", err)
		status := refusedStatus(w, err)
		return h.set.Render(w, status, "login", h.loginPage(r, sentence(err.Error())))
	}
	next, err := h.setSession(w, r, s)
	if err != nil {
		return h.set.Render(w, http.StatusServiceUnavailable, "login", h.loginPage(r, sentence(err.Error())))
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// clipped is a name as it was typed, for the log; it may be anything, a password too, so only what could be a name
// counts.
func clipped(name string) string {
	if access.CheckName(strings.ToLower(name)) != nil {
		return ""
	}
	return strings.ToLower(name)
}

func (h *Handlers) loginPage(r *http.Request, problem string) templates.Login {
	view := templates.Login{
		Page:  h.page(r, "Log in"),
		Error: problem,
		Users: h.Authority.Users != nil && !h.Authority.Users.Empty(),
		Name:  clipped(r.PostForm.Get("name")),
	}
	view.Why = whyLogIn[r.URL.Query().Get("why")]
	if h.OpenID != nil {
		view.OpenID = h.OpenID.Name()
	}
	return view
}

var errUsers = errors.New("password login is not available now; see the node's log")

var errToken = errors.New("this is not the token that Convoy printed at startup")

// POST /logout
func (h *Handlers) logOut(w http.ResponseWriter, r *http.Request) error {
	sessionOf(r).release() // this request is to be answered
	if g, err := h.Authority.Grants.Get(sessionOf(r).Grant); err == nil {
		if err := h.end(g); err != nil {
			return err
		}
	}
	http.SetCookie(w, h.cookie(r, "", -1))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

var errNotListed = &problem{
	Status: http.StatusServiceUnavailable,
	Text:   "login is not available now: it could not be recorded",
	Hint:   "free space on the disk that holds -data; see the node's log",
}

// setSession logs the browser in; it completes the login at next. A login that cannot be listed is refused: nobody
// could end it.
func (h *Handlers) setSession(w http.ResponseWriter, r *http.Request, s session) (next string, err error) {
	now := time.Now().UTC().Round(0) // without the monotonic clock, as it comes back from the cookie
	s.Grant, s.Created, s.Seen, s.Expires = rand.Text(), now, now, now.Add(sessionLife)
	// What outlives the request ends with the login, too.
	s.NotAfter, s.Role, s.Keys = s.Expires, s.Identity.Role, keysOf(r, s)
	if err := h.listLogin(r, s); err != nil {
		h.Log.Error("login refused: it is not in the list of logins", "user", s.User, "err", err)
		h.noteLogin(r, s, audit.Failed)
		return "", errNotListed
	}
	h.resign(w, r, s)
	h.Log.Info("logged in", "addr", h.addrOf(r), "user", s.User)
	h.noteLogin(r, s, audit.OK)
	if err := h.trimLogins(s.Identity); err != nil {
		h.Log.Error("logins that are too many are not ended", "user", s.User, "err", err)
	}
	return h.claimURL(s), nil
}

// resign has the browser keep what a login's cookie says now.
func (h *Handlers) resign(w http.ResponseWriter, r *http.Request, s session) {
	http.SetCookie(w, h.cookie(r, h.login.sign(s), int(time.Until(s.Expires)/time.Second)))
}

func (h *Handlers) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     h.login.name,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   h.byTLS(r),
		SameSite: http.SameSiteStrictMode,
	}
}
