package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"convoy/handlers/web"
	"convoy/templates"
)

// Browsers send a cookie to every port of its host, so a program on another port can collect the session's cookie. A
// login is therefore also bound to a page key: a secret in the storage of the page's origin (scheme, host and port).
// Scripts send it as a header. Documents and streams, which cannot send headers, use a pass, which only the key can
// get. Neither is ever a cookie (docs/security.md).

const (
	// KeyHeader carries the page key. It never leaves this node: requests to other nodes have their own headers.
	KeyHeader = "Convoy-Key"
	// keyBytes is the size of a page key before it is encoded as base64url.
	keyBytes = 32
	// MaxPageKeys bounds the origins that one login is bound to; the oldest are dropped.
	MaxPageKeys = 4
)

var (
	errNoKey = web.NewError(http.StatusUnauthorized, "this login also needs the key of the page where it began",
		"open the console in that browser at the address where you logged in, or log in again at /login; scripts send "+
			"Authorization: Bearer with a token")
	errClaimElsewhere = web.NewError(http.StatusConflict, "this login began at another node's console",
		"complete it there; configure load balancers to keep a browser on one node during login")
	errClaimed = web.NewError(http.StatusConflict,
		"this login was already completed, or took longer than a minute", "log in again at /login")
)

// whyLogIn are the reasons that the login page can show, by the query parameter why.
var whyLogIn = map[string]string{
	"key": "This address does not have the key of your login. A login belongs to the address where you logged in, " +
		"including the port. Log in again for another node's console on this host, or after you clear the browser's storage.",
	"link":  "The token in this link is not valid. Use the link that Convoy printed when it started last.",
	"claim": "The login was not completed within a minute. Log in again.",
}

// KeySlot names the place of a page key in the storage of its origin. A proxy may have several consoles at one origin.
func (m *Manager) KeySlot() string { return m.Cookies.Name + m.Site.BasePath }

type unprovenKey struct{}

// unproven is the login of a request with a valid cookie, but without the key or a pass.
func unproven(r *http.Request) Session {
	if s, ok := r.Context().Value(unprovenKey{}).(*Session); ok {
		return *s
	}
	return Session{}
}

func asUnproven(r *http.Request, s *Session) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), unprovenKey{}, s))
}

// proves reports whether a request has more than the cookie. It uses up a pass.
func (m *Manager) proves(r *http.Request, s *Session, pass string) bool {
	if s.bearer || s.Plain {
		return true
	}
	if key := r.Header.Get(KeyHeader); key != "" {
		return s.holds(key)
	}
	switch {
	case len(s.Keys) == 0 || pass == "":
		return false
	case r.Method == http.MethodPost:
		return m.Tickets.use(answerKind(r.URL.Path), s.Grant, pass)
	}
	return r.Method == http.MethodGet && m.Tickets.use(passTicket, s.Grant, pass)
}

// answerKind is the kind of the pass for one POST to a path.
func answerKind(path string) string { return "answer " + KeySum(path) }

// AnswerPass returns a pass with which the browser of a login answers one question, at that path: a notification has no
// page that has the key.
func (m *Manager) AnswerPass(grant, path string, life time.Duration) string {
	return m.Tickets.Issue(answerKind(path), grant, life)
}

// holds compares a page key with those that a login is bound to, in constant time.
func (s *Session) holds(key string) bool {
	sum, found := KeySum(key), 0
	for _, known := range s.Keys {
		found |= subtle.ConstantTimeCompare([]byte(known), []byte(sum))
	}
	return found == 1
}

// KeySum is the hash of a page key in the cookie, and of a path. A key has 256 random bits, so its hash needs no salt.
func KeySum(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// takePass removes the pass from a request's query, so that no handler and no other node sees it.
func takePass(r *http.Request) (*http.Request, string) {
	if !strings.Contains(r.URL.RawQuery, "pass=") {
		return r, ""
	}
	pass, rest := "", []string{}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if value, ok := strings.CutPrefix(part, "pass="); ok {
			pass = value
		} else {
			rest = append(rest, part)
		}
	}
	if pass == "" {
		return r, ""
	}
	clean := *r.URL
	clean.RawQuery = strings.Join(rest, "&")
	r = r.WithContext(r.Context())
	r.URL, r.RequestURI = &clean, clean.RequestURI()
	return r, pass
}

// Pass returns a one-time pass for the event stream of the page being served; "" if its login needs none.
func (m *Manager) Pass(r *http.Request) string {
	if s := Of(r); len(s.Keys) > 0 {
		return m.Tickets.Issue(passTicket, s.Grant, passLife)
	}
	return ""
}

// claimURL is where a browser completes a login. Only the page at this address gets the claim: the cookie, which other
// ports see as well, cannot complete the login.
func (m *Manager) claimURL(s Session) string {
	return "/?claim=" + m.Tickets.Issue(claimTicket, s.Grant, claimLife)
}

// keysOf are the page keys that a login takes over from the same user's login that it replaces, so that pages at
// another port of this host keep working.
func keysOf(r *http.Request, s Session) []string {
	old := Of(r)
	if old.Grant == "" {
		old = unproven(r)
	}
	if old.User != s.User || old.Home != s.Home || old.Generation != s.Generation {
		return nil
	}
	return old.Keys
}

// RequireCookie refuses requests without a login, proven or not.
func (m *Manager) RequireCookie(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := unproven(r); Of(r).Grant == "" && s.Grant != "" {
			m.ServeAs(next, w, r, &s)
			return
		}
		m.RequireLogin(next).ServeHTTP(w, r)
	})
}

// ClaimByKey handles POST /session/key: it binds a new login to the page key in the header, and responds with the first
// pass.
func (m *Manager) ClaimByKey(w http.ResponseWriter, r *http.Request) error {
	key := r.Header.Get(KeyHeader)
	if raw, err := base64.RawURLEncoding.DecodeString(key); err != nil || len(raw) != keyBytes {
		return web.BadRequest("%s must be %d random bytes as base64url", KeyHeader, keyBytes)
	}
	s, err := m.claim(w, r)
	if err != nil {
		return err
	}
	s.Keys = append(slices.Clone(s.Keys), KeySum(key))
	s.Keys = s.Keys[max(0, len(s.Keys)-MaxPageKeys):]
	m.setCookie(w, r, s)
	return web.WriteJSON(w, http.StatusOK, map[string]string{"pass": m.Tickets.Issue(passTicket, s.Grant, passLife)})
}

// ClaimPlain handles POST /session/plain: it completes a new login without a key, for browsers without scripts or
// storage.
func (m *Manager) ClaimPlain(w http.ResponseWriter, r *http.Request) error {
	s, err := m.claim(w, r)
	if err != nil {
		return err
	}
	s.Plain, s.Keys = true, nil
	m.setCookie(w, r, s)
	m.Log.Info("login without a page key", "addr", web.Addr(r), "user", s.User)
	web.SeeOther(w, "/")
	return nil
}

// claim uses up the claim in a form, which completes a login.
func (m *Manager) claim(w http.ResponseWriter, r *http.Request) (Session, error) {
	if err := web.ReadForm(w, r); err != nil {
		return Session{}, err
	}
	s := Of(r)
	if !s.bearer && s.Home != m.Self { // each node accepts a claim once, so only one node may accept it
		return Session{}, errClaimElsewhere
	}
	if s.bearer || !m.Tickets.use(claimTicket, s.Grant, r.PostForm.Get("claim")) {
		return Session{}, errClaimed
	}
	return s, nil
}

// GivePass handles POST /session/pass.
func (m *Manager) GivePass(w http.ResponseWriter, r *http.Request) error {
	return web.WriteJSON(w, http.StatusOK, map[string]string{"pass": m.Pass(r)})
}

// completeLogin responds to a request with a cookie alone: to a document with the page that sends the key (200), else
// with 401. It returns false without a cookie, or if that page cannot help.
func (m *Manager) completeLogin(w http.ResponseWriter, r *http.Request, document bool) bool {
	s := unproven(r)
	if s.Grant == "" {
		return false
	}
	if !document {
		m.Site.Fail(w, r, errNoKey)
		return true
	}
	claim := r.URL.Query().Get("claim")
	if !m.Tickets.valid(claimTicket, s.Grant, claim) {
		claim = ""
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead || claim == "" && len(s.Keys) == 0 {
		return false
	}
	view := templates.Opening{Page: m.Site.Page(r, "Opening"), Claim: claim}
	view.Key = m.KeySlot()
	if err := m.Site.Render(w, http.StatusOK, "opening", view); err != nil {
		m.Log.Debug("answer not sent", "err", err)
	}
	return true
}
