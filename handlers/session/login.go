package session

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"convoy/access"
	"convoy/audit"
	"convoy/handlers/web"
	"convoy/templates"
)

// ShowLogin handles GET /login.
func (m *Manager) ShowLogin(w http.ResponseWriter, r *http.Request) error {
	if Of(r).Grant != "" {
		web.SeeOther(w, "/")
		return nil
	}
	return m.Site.Render(w, http.StatusOK, "login", m.loginPage(r, ""))
}

// LogIn handles POST /login.
func (m *Manager) LogIn(w http.ResponseWriter, r *http.Request) error {
	if err := web.ReadForm(w, r); err != nil {
		return err
	}
	s, err := m.admit(r)
	if err != nil {
		m.countFailure(r, Session{Identity: access.Identity{User: clipped(r.PostForm.Get("name"))}}, "form", err)
		status := refusedStatus(w, err)
		return m.Site.Render(w, status, "login", m.loginPage(r, web.Sentence(err.Error())))
	}
	next, err := m.setSession(w, r, s)
	if err != nil {
		return m.Site.Render(w, http.StatusServiceUnavailable, "login", m.loginPage(r, web.Sentence(err.Error())))
	}
	web.SeeOther(w, next)
	return nil
}

// clipped is a name as it was typed, for the log. It may be anything, a password too, so only a valid name is kept.
func clipped(name string) string {
	if access.CheckName(strings.ToLower(name)) != nil {
		return ""
	}
	return strings.ToLower(name)
}

func (m *Manager) loginPage(r *http.Request, problem string) templates.Login {
	view := templates.Login{
		Page:  m.Site.Page(r, "Log in"),
		Error: problem,
		Users: m.Authority.Users != nil && !m.Authority.Users.Empty(),
		Name:  clipped(r.PostForm.Get("name")),
	}
	view.Why = whyLogIn[r.URL.Query().Get("why")]
	if m.OpenID != nil {
		view.OpenID = m.OpenID.Name()
	}
	return view
}

// LogInByLink logs in with the token of the link that Convoy printed, and redirects to the console without it, so that
// the token stays out of the browser's history. A browser with a wrong token is redirected, too: to the login page,
// which says so, or to the console if it is logged in. done is false for requests without a token, for HEAD, and
// for scripts.
func (m *Manager) LogInByLink(w http.ResponseWriter, r *http.Request) (done bool, err error) {
	token := r.URL.Query().Get("token")
	switch stranger := Of(r).Grant == ""; {
	case token == "", r.Method == http.MethodHead: // which creates no login
		return false, nil
	case m.checkToken(token):
	case stranger:
		if err := m.wrongToken(r, token, "link"); err != nil || !web.WantsHTML(r) || unproven(r).Grant != "" {
			return false, err
		}
		web.SeeOther(w, "/login?why=link")
		return true, nil
	default:
		web.SeeOther(w, "/")
		return true, nil
	}
	next, err := m.setSession(w, r, Session{Identity: m.Authority.NewIdentity(access.ConsoleToken, access.Admin)})
	if err == nil {
		web.SeeOther(w, next)
	}
	return true, err
}

var errUsers = errors.New("password login is not available now; see the node's log")

var errToken = errors.New("this is not the token that Convoy printed at startup")

// LogOut handles POST /logout.
func (m *Manager) LogOut(w http.ResponseWriter, r *http.Request) error {
	Of(r).Release() // so that this request gets its response
	if g, err := m.Authority.Grants.Get(Of(r).Grant); err == nil {
		if err := m.End(g); err != nil {
			return err
		}
	}
	http.SetCookie(w, m.cookie(r, "", -1))
	web.SeeOther(w, "/login")
	return nil
}

var errNotListed = web.NewError(http.StatusServiceUnavailable, "login is not available now: it could not be recorded",
	"free space on the disk that holds -data; see the node's log")

// setSession logs the browser in, which completes the login at next. It refuses a login that it cannot put in the list,
// because nobody could end it.
func (m *Manager) setSession(w http.ResponseWriter, r *http.Request, s Session) (next string, err error) {
	now := time.Now().UTC().Round(0) // without the monotonic clock, as the cookie stores it
	s.Grant, s.Created, s.Seen, s.Expires = rand.Text(), now, now, now.Add(sessionLife)
	s.NotAfter, s.Role, s.Keys = s.Expires, s.Identity.Role, keysOf(r, s) // shells and links end with the login too
	if err := m.listLogin(r, s); err != nil {
		m.Log.Error("login refused: it is not in the list of logins", "user", s.User, "err", err)
		m.recordLogin(r, s, audit.Failed)
		return "", errNotListed
	}
	m.setCookie(w, r, s)
	m.Log.Info("logged in", "addr", web.Addr(r), "user", s.User)
	m.recordLogin(r, s, audit.OK)
	if err := m.TrimLogins(s.Identity); err != nil {
		m.Log.Error("surplus logins not ended", "user", s.User, "err", err)
	}
	return m.claimURL(s), nil
}
