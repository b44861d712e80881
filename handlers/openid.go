package handlers

import (
	"errors"
	"net/http"
	"time"

	"convoy/access"
	"convoy/access/openid"
	"convoy/templates"
)

// openIDPath is where a login by the provider begins, and OpenIDCallback where the provider sends browsers back to.
const (
	openIDPath     = "/login/openid"
	OpenIDCallback = openIDPath + "/callback"
)

var errNoOpenID = &problem{
	Status: http.StatusNotFound,
	Text:   "this console has no OpenID provider",
	Hint:   "log in at /login, or start Convoy with -openid-issuer",
}

// GET /login/openid
//
// It goes on to the provider. A page of another site may not begin that: it would replace the reader's login.
func (h *Handlers) beginOpenID(w http.ResponseWriter, r *http.Request) error {
	if h.OpenID == nil {
		return errNoOpenID
	}
	if err := h.openIDWait(r); err != nil {
		return h.refuseOpenID(w, r, openid.Login{}, err)
	}
	to, value, err := h.OpenID.Begin(r.Context(), h.callbackURL(r), time.Now())
	if err != nil {
		return h.refuseOpenID(w, r, openid.Login{}, err)
	}
	http.SetCookie(w, h.openIDCookie(r, value, int(openid.CookieLife/time.Second)))
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// GET /login/openid/callback
//
// The provider sends the browser here, so what follows by a redirect would still come from another site, without the
// session's cookie, which is SameSite=Strict. Hence a page that goes on to the console by itself.
func (h *Handlers) finishOpenID(w http.ResponseWriter, r *http.Request) error {
	if h.OpenID == nil {
		return errNoOpenID
	}
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds a code
	settle, err := h.reserveTry(r, "")
	if err != nil {
		return h.refuseOpenID(w, r, openid.Login{}, err)
	}
	value := ""
	if cookie, err := r.Cookie(h.openIDCookieName()); err == nil {
		value = cookie.Value
	}
	known, err := h.OpenID.Finish(r.Context(), h.callbackURL(r), value, r.URL.Query(), time.Now())
	settle(openIDVerdict(err))
	// a stray one must not end another's login
	if e, ok := errors.AsType[*openid.Error](err); !ok || e.Kind != openid.Stray {
		http.SetCookie(w, h.openIDCookie(r, "", -1))
	}
	if err != nil {
		return h.refuseOpenID(w, r, known, err)
	}
	s := session{Identity: h.Authority.NewIdentity(known.User, known.Role), subject: known.Subject}
	next, err := h.setSession(w, r, s)
	if err != nil {
		return err
	}
	view := templates.Entered{Page: h.page(r, "Logged in"), Next: next}
	view.User = known.User
	return h.set.Render(w, http.StatusOK, "entered", view)
}

// openIDWait has those wait who were wrong too often, as the other ways to log in do: by their address alone, as they
// have not said who they are.
func (h *Handlers) openIDWait(r *http.Request) error {
	if left := h.login.throttle.Wait(h.login.now(), h.addrOf(r), ""); left > 0 {
		return &tooManyTries{left}
	}
	return nil
}

// openIDVerdict is what a callback counts for. Only what the provider refused is a wrong try: it takes a cookie of
// ours, so that other sites cannot make the reader wait.
func openIDVerdict(err error) access.Outcome {
	switch e, ok := errors.AsType[*openid.Error](err); {
	case err == nil:
		return access.Success
	case ok && e.Kind == openid.Refused:
		return access.Failure
	}
	return access.Unchecked
}

// refuseOpenID says on the login page why there is no login.
func (h *Handlers) refuseOpenID(w http.ResponseWriter, r *http.Request, known openid.Login, err error) error {
	status := refusedStatus(w, err)
	if e, ok := errors.AsType[*openid.Error](err); ok && e.Kind == openid.Unavailable {
		status = http.StatusBadGateway
	}
	h.loginRefused(r, session{Identity: access.Identity{User: known.User}, subject: known.Subject}, "openid", err)
	view := h.loginPage(r, "")
	view.OpenIDError = sentence(err.Error())
	return h.set.Render(w, status, "login", view)
}

// callbackURL is where the provider shall send the browser, as the browser reaches this console; Host is one of ours.
func (h *Handlers) callbackURL(r *http.Request) string {
	o := h.originOf(r)
	return o.scheme + "://" + o.host + OpenIDCallback
}

func (h *Handlers) openIDCookieName() string { return h.login.name + "-openid" }

// openIDCookie belongs to a login under way. It is Lax, because the provider, another site, brings the browser back.
func (h *Handlers) openIDCookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     h.openIDCookieName(),
		Value:    value,
		Path:     "/login",
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   h.byTLS(r),
		SameSite: http.SameSiteLaxMode,
	}
}
