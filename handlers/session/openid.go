package session

import (
	"errors"
	"net/http"
	"time"

	"convoy/access"
	"convoy/access/openid"
	"convoy/handlers/web"
	"convoy/templates"
)

// A login through the provider begins at OpenIDPath. The provider sends the browser back to OpenIDCallback.
const (
	OpenIDPath     = "/login/openid"
	OpenIDCallback = OpenIDPath + "/callback"
)

var errNoOpenID = web.NewError(http.StatusNotFound,
	"this console has no OpenID provider", "log in at /login, or start Convoy with -openid-issuer")

// BeginOpenID handles GET /login/openid with a redirect to the provider. Its route refuses other sites, which could
// otherwise replace the user's login.
func (m *Manager) BeginOpenID(w http.ResponseWriter, r *http.Request) error {
	if m.OpenID == nil {
		return errNoOpenID
	}
	if err := m.openIDWait(r); err != nil {
		return m.refuseOpenID(w, r, openid.Login{}, err)
	}
	to, value, err := m.OpenID.Begin(r.Context(), m.callbackURL(r), time.Now())
	if err != nil {
		return m.refuseOpenID(w, r, openid.Login{}, err)
	}
	http.SetCookie(w, m.openIDCookie(r, value, int(openid.CookieLife/time.Second)))
	web.SeeOther(w, to)
	return nil
}

// FinishOpenID handles GET /login/openid/callback with a page that continues to the console. After a redirect from the
// provider, another site, the browser would not send the session's cookie, which is SameSite=Strict.
func (m *Manager) FinishOpenID(w http.ResponseWriter, r *http.Request) error {
	if m.OpenID == nil {
		return errNoOpenID
	}
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds a code
	settle, err := m.reserveTry(r, "")
	if err != nil {
		return m.refuseOpenID(w, r, openid.Login{}, err)
	}
	value := ""
	if cookie, err := r.Cookie(m.openIDCookieName()); err == nil {
		value = cookie.Value
	}
	known, err := m.OpenID.Finish(r.Context(), m.callbackURL(r), value, r.URL.Query(), time.Now())
	settle(openIDVerdict(err))
	// a stray callback must not end another login in progress
	if e, ok := errors.AsType[*openid.Error](err); !ok || e.Kind != openid.Stray {
		http.SetCookie(w, m.openIDCookie(r, "", -1))
	}
	if err != nil {
		return m.refuseOpenID(w, r, known, err)
	}
	s := Session{Identity: m.Authority.NewIdentity(known.User, known.Role), subject: known.Subject}
	next, err := m.setSession(w, r, s)
	if err != nil {
		return err
	}
	view := templates.Entered{Page: m.Site.Page(r, "Logged in"), Next: next}
	view.User = known.User
	return m.Site.Render(w, http.StatusOK, "entered", view)
}

// openIDWait refuses an address with too many failed logins, like the other ways to log in.
func (m *Manager) openIDWait(r *http.Request) error {
	if left := m.Tries.Throttle.Wait(m.Tries.Now(), web.Addr(r), ""); left > 0 {
		return tooManyTries(left)
	}
	return nil
}

// openIDVerdict is how a callback counts. Only a login that the provider refused is a failed one: it needs a cookie of
// this console, so that other sites cannot use up the user's attempts.
func openIDVerdict(err error) access.Outcome {
	switch e, ok := errors.AsType[*openid.Error](err); {
	case err == nil:
		return access.Success
	case ok && e.Kind == openid.Refused:
		return access.Failure
	}
	return access.Unchecked
}

// refuseOpenID shows on the login page why the login failed.
func (m *Manager) refuseOpenID(w http.ResponseWriter, r *http.Request, known openid.Login, err error) error {
	status := refusedStatus(w, err)
	if e, ok := errors.AsType[*openid.Error](err); ok && e.Kind == openid.Unavailable {
		status = http.StatusBadGateway
	}
	m.countFailure(r, Session{Identity: access.Identity{User: known.User}, subject: known.Subject}, "openid", err)
	view := m.loginPage(r, "")
	view.OpenIDError = web.Sentence(err.Error())
	return m.Site.Render(w, status, "login", view)
}

// callbackURL is OpenIDCallback as the browser reaches this console.
func (m *Manager) callbackURL(r *http.Request) string {
	return m.Site.URL(r, OpenIDCallback)
}

func (m *Manager) openIDCookieName() string { return m.Cookies.Name + "-openid" }

// openIDCookie belongs to a login in progress. It is Lax, because the provider, another site, sends the browser back.
func (m *Manager) openIDCookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     m.openIDCookieName(),
		Value:    value,
		Path:     m.Site.BasePath + "/login",
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   web.UsesTLS(r),
		SameSite: http.SameSiteLaxMode,
	}
}
