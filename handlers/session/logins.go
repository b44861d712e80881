package session

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/handlers/web"
	"convoy/templates"
)

// loginsOfUser is how many logins one user may have.
const loginsOfUser = 64

// describe describes a login or a token to the user of a session.
func (s Session) describe(g access.Grant) templates.Grant {
	return templates.Grant{
		ID: g.ID, Name: g.Name, User: g.User, Role: g.Role.String(), Addr: g.Addr, Agent: g.Agent,
		Made: g.Created, Seen: g.LastUsed, Expires: g.Expires, Current: g.ID == s.Grant,
	}
}

// listLogin puts a login in the list.
func (m *Manager) listLogin(r *http.Request, s Session) error {
	return m.Add(access.Grant{
		ID:         s.Grant,
		Kind:       access.Login,
		User:       s.User,
		Role:       s.Role,
		Home:       s.Home,
		Generation: s.Generation,
		Addr:       web.Addr(r),
		Agent:      agentOf(r.UserAgent()),
		Created:    s.Created,
		LastUsed:   s.Seen,
		Expires:    s.Expires,
	})
}

// used stores the last use of a login or token.
func (m *Manager) used(s Session) {
	g, err := m.Authority.Grants.Get(s.Grant)
	if err != nil { // not in the list yet
		return
	}
	g.LastUsed = time.Now().UTC()
	if err := m.Add(g); err != nil {
		m.Log.Error("not in the list of logins", "err", err)
	}
}

// Idle reports whether a login has not been used for so long that its cookie is refused.
func (m *Manager) Idle(grant string) bool {
	g, err := m.Authority.Grants.Get(grant)
	return err == nil && g.Kind == access.Login && time.Since(g.LastUsed) > sessionIdle
}

// valid lists the valid logins or tokens, without those of users who were removed here, or have a new password.
func (m *Manager) valid(kind access.Kind) []access.Grant {
	return slices.DeleteFunc(m.Authority.Grants.List(kind, time.Now()), func(g access.Grant) bool {
		return g.Home == m.Self && m.Authority.LocalRole(g.Identity()) == access.Nobody
	})
}

// ListLogins handles GET /logins: the user's own, or everyone's for an admin.
func (m *Manager) ListLogins(w http.ResponseWriter, r *http.Request) error {
	s := Of(r)
	if !web.WantsHTML(r) {
		list := []templates.Grant{}
		for _, g := range m.logins(s) {
			list = append(list, s.describe(g))
		}
		return web.WriteJSON(w, http.StatusOK, list)
	}
	return m.renderLogins(w, r, http.StatusOK, m.loginList(s))
}

// renderLogins responds with the list for htmx, else with its page: a form also works without scripts.
func (m *Manager) renderLogins(w http.ResponseWriter, r *http.Request, status int, list templates.LoginList) error {
	if web.IsHTMX(r) {
		return m.Site.Render(w, status, "login_list", list)
	}
	return m.Site.Render(w, status, "logins", templates.Logins{Page: m.Site.Page(r, "Logins and tokens"), LoginList: list})
}

// logins are the logins that a user sees: their own, or everyone's for an admin.
func (m *Manager) logins(s Session) (list []access.Grant) {
	for _, g := range m.valid(access.Login) {
		if s.Owns(g) || s.Role.Allows(access.Sessions) {
			list = append(list, g)
		}
	}
	return list
}

// loginList is the content of a user's page.
func (m *Manager) loginList(s Session) templates.LoginList {
	list := templates.LoginList{AllUsers: s.Role.Allows(access.Sessions), MayToken: s.Role.Allows(access.Tokens)}
	for _, g := range m.logins(s) {
		list.Logins = append(list.Logins, s.describe(g))
	}
	for _, g := range m.valid(access.Token) {
		if list.MayToken {
			list.Tokens = append(list.Tokens, s.describe(g))
		}
	}
	return list
}

// EndLogin handles DELETE /logins/{login}.
func (m *Manager) EndLogin(w http.ResponseWriter, r *http.Request) error {
	s := Of(r)
	g, err := m.Authority.Grants.Get(chi.URLParam(r, "login"))
	if err != nil || g.Kind != access.Login || !s.Owns(g) && !s.Role.Allows(access.Sessions) {
		return errNoGrant
	}
	Describe(r.Context(), g.User, g.Agent)
	s.Release() // it may be this request's own
	return web.NoContent(w, m.End(g))
}

var errNoGrant = web.NewError(http.StatusNotFound, "there is no such login or token", "it may have ended already")

// End ends a login or token on all nodes.
func (m *Manager) End(g access.Grant) error {
	if g.Revoked.IsZero() {
		g.Revoked = time.Now().UTC()
	}
	return m.Add(g)
}

// EndLogins handles DELETE /logins: it ends all of the user's own, or for an admin, all of the given user's.
func (m *Manager) EndLogins(w http.ResponseWriter, r *http.Request) error {
	s := Of(r)
	user, generation := r.URL.Query().Get("user"), ""
	if user == "" || user == s.User && !s.Role.Allows(access.Sessions) {
		user, generation = s.User, s.Generation
	}
	if user != s.User && !s.Role.Allows(access.Sessions) {
		return Forbidden(s.Role, access.Sessions)
	}
	if len(user) > 100 || strings.ContainsFunc(user, unicode.IsControl) {
		return web.BadRequest("this is not a valid user name")
	}
	Describe(r.Context(), user, "everywhere")
	if user == s.User {
		w.Header().Set("HX-Redirect", "/login")
	}
	s.Release() // as in EndLogin
	return web.NoContent(w, m.Add(access.NewRevocation(user, generation, time.Now().UTC(), sessionLife)))
}

// TrimLogins ends a user's oldest logins if there are more than loginsOfUser, so that they do not push other users' out
// of the list.
func (m *Manager) TrimLogins(of access.Identity) error {
	var own []time.Time
	for _, g := range m.Authority.Grants.List(access.Login, time.Now()) {
		if of.Owns(g) {
			own = append(own, g.Created)
		}
	}
	if len(own) <= loginsOfUser {
		return nil
	}
	slices.SortFunc(own, func(a, b time.Time) int { return b.Compare(a) })
	return m.Add(access.NewRevocation(of.User, of.Generation, own[loginsOfUser], sessionLife))
}

// agentOf is what a browser calls itself, in few words.
func agentOf(header string) string {
	program, system := "", ""
	for _, one := range []string{"Edg", "OPR", "Firefox", "Chrome", "Safari", "curl", "convoy", "Go-http-client"} {
		if strings.Contains(header, one+"/") {
			program = strings.NewReplacer("Edg", "Edge", "OPR", "Opera", "Go-http-client", "Go").Replace(one)
			break
		}
	}
	for _, one := range []string{"Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"} {
		if strings.Contains(header, one) {
			system = " on " + strings.Replace(one, "Mac OS X", "macOS", 1)
			break
		}
	}
	if program == "" {
		return "another program" + system
	}
	return program + system
}
