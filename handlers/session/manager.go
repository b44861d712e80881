package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"convoy/access"
	"convoy/access/openid"
	"convoy/audit"
	"convoy/fleet"
	"convoy/handlers/web"
)

// Config is what a Manager works with.
type Config struct {
	Self       string // this node's name
	Site       *web.Site
	Token      string   // logs in as an admin
	Keys       [][]byte // sign cookies and tickets: the first signs, all are accepted
	Assertions [][]byte // sign who makes a request, between nodes; likewise
	Authority  *access.Authority
	OpenID     *openid.Provider // nil: none
	Audit      *audit.Log       // nil: nothing is recorded
	Fleet      *fleet.Fleet
	Cluster    Cluster
	Log        *slog.Logger
}

// Cluster reaches the other nodes, which know the same logins and tokens.
type Cluster interface {
	// Do sends r to a node. The caller closes the response's body.
	Do(node string, r *http.Request) (*http.Response, error)
}

// Manager identifies users and keeps the list of logins and tokens. Its methods may be called concurrently.
type Manager struct {
	Config
	Cookies Cookies
	Tickets *Tickets
	Tries   Tries

	signed     recent[signer, signed]    // assertions for other nodes
	verified   recent[string, Assertion] // those of other nodes
	cookies    recent[string, Session]   // those that were verified
	token      [sha256.Size]byte
	failures   failures
	announcing sync.WaitGroup // to other nodes
	ctx        context.Context
	cancel     context.CancelFunc
}

// New makes a Manager. Close it.
func New(cfg Config) *Manager {
	m := &Manager{
		Config:  cfg,
		Cookies: NewCookies(cfg.Keys),
		Tickets: NewTickets(cfg.Keys),
		Tries:   newTries(),
		token:   sha256.Sum256([]byte(cfg.Token)),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.failures.write = m.Record
	return m
}

// Close waits for announcements to other nodes, and records the failed logins that are still being counted.
func (m *Manager) Close() {
	m.cancel()
	m.announcing.Wait()
	m.failures.close()
}

// Identify finds the session of each request by its bearer token or cookie. It refuses only clients that send too many
// wrong tokens.
func (m *Manager) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, pass := takePass(r)
		if s := m.find(r); s != nil {
			s.addr = web.Addr(r)
			if !m.proves(r, s, pass) {
				next.ServeHTTP(w, asUnproven(r, s))
				return
			}
			m.renew(w, r, s)
			m.ServeAs(next, w, r, s)
			return
		}
		if token, ok := bearerOf(r); ok {
			if err := m.wrongToken(r, token, "bearer token"); err != nil {
				m.Site.Fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// bearerOf is the token in a request's header.
func bearerOf(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// find finds the session of a bearer token or a cookie, with its present role; nil if it has none.
func (m *Manager) find(r *http.Request) *Session {
	var s Session
	var ok bool
	if token, bearer := bearerOf(r); bearer {
		s, ok = m.byToken(token)
		s.bearer = true
	} else if cookie, err := r.Cookie(m.Cookies.Name); err == nil {
		s, ok = m.byCookie(cookie.Value, time.Now())
	}
	if !ok || s.Grant == "" {
		return nil
	}
	if s.Role = m.Authority.Role(r.Context(), s.Identity); s.Role == access.Nobody {
		return nil
	}
	return &s
}

func (m *Manager) byToken(token string) (Session, bool) {
	if m.checkToken(token) {
		w := m.Authority.NewIdentity(access.ConsoleToken, access.Admin)
		w.Grant = "token"
		return Session{Identity: w}, true
	}
	if !strings.HasPrefix(token, access.TokenPrefix) {
		return Session{}, false
	}
	g, ok := m.Authority.Grants.FindToken(token, time.Now())
	return Session{Identity: g.Identity(), Seen: g.LastUsed}, ok
}

// checkToken compares a token with the console's in constant time.
func (m *Manager) checkToken(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], m.token[:]) == 1
}

// renew stores the last use of a login or token in the list, and that of a login in its cookie.
func (m *Manager) renew(w http.ResponseWriter, r *http.Request, s *Session) {
	now := time.Now()
	if s.Seen.IsZero() || now.Sub(s.Seen) < seenStep { // the console token is in no list
		return
	}
	m.used(*s)
	if s.Expires.IsZero() { // an API token, which has no cookie
		return
	}
	renewed := *s
	renewed.Seen = now.UTC()
	m.setCookie(w, r, renewed)
}

// RequireLogin refuses strangers.
func (m *Manager) RequireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if shared(r.Context()).Grant != "" {
			next.ServeHTTP(w, r)
			return
		}
		m.AskForLogin(w, r)
	})
}

// AskForLogin responds to a request without a session: 401 with the login page for browsers and JSON for scripts. A
// browser that has just logged in gets 200, and a page that binds its login to a page key.
func (m *Manager) AskForLogin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="convoy"`)
	document := web.WantsHTML(r) && !web.IsHTMX(r)
	if m.completeLogin(w, r, document) {
		return
	}
	if document {
		if err := m.Site.Render(w, http.StatusUnauthorized, "login", m.loginPage(r, "")); err != nil {
			m.Log.Debug("answer not sent", "err", err)
		}
		return
	}
	m.Site.Fail(w, r, errNotLoggedIn)
}

var errNotLoggedIn = web.NewError(http.StatusUnauthorized,
	"not logged in", "log in at /login, or send Authorization: Bearer with a token")
