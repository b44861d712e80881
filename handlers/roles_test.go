package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/assets"
	"convoy/handlers/session"
	"convoy/internal/testkit"
	"convoy/pty"
	"convoy/templates"
)

// What it takes to ask for a route: a role, or nothing, or a share link.
const (
	anybody = access.Role(-1)
	byLink  = access.Role(-2)
)

// routes is what each route of the console requires.
var routes = map[string]access.Role{
	"GET /healthz":               anybody,
	"GET /assets/*":              anybody,
	"GET /login":                 anybody,
	"POST /login":                anybody,
	"GET /login/openid":          anybody,
	"GET /login/openid/callback": anybody,
	"GET /":                      access.Viewer,
	"POST /logout":               access.Viewer,
	"POST /session/key":          access.Viewer,
	"POST /session/plain":        access.Viewer,
	"POST /session/pass":         access.Viewer,
	"GET /guide":                 access.Viewer,
	"GET /guide/{page}":          access.Viewer,
	"GET /metrics":               access.Viewer,
	"GET /logins":                access.Viewer,
	"DELETE /logins":             access.Viewer,
	"DELETE /logins/{login}":     access.Viewer,
	"GET /tokens":                access.Admin,
	"POST /tokens":               access.Admin,
	"DELETE /tokens/{token}":     access.Admin,
	"GET /audit":                 access.Admin,
	"GET /nodes/{node}/audit":    access.Admin,
	"GET /runbooks":              access.Viewer,
	"GET /runbooks/{runbook}":    access.Viewer,
	"POST /nodes/{node}/run":     access.Admin,

	"POST /runbooks/{runbook}/run":         access.Operator,
	"GET /runbooks/{runbook}/run/{run}":    access.Operator,
	"DELETE /runbooks/{runbook}/run/{run}": access.Operator,

	"GET /share/{token}":                                         byLink,
	"GET /share/{token}/stream":                                  byLink,
	"POST /share/{token}/stream":                                 byLink,
	"DELETE /share/{token}/stream":                               byLink,
	"GET /share/{token}/carrier":                                 byLink,
	"POST /share/{token}/streams/{stream}/shells/{node}/{shell}": byLink,
	"POST /share/{token}/input":                                  byLink,
	"POST /share/{token}/size":                                   byLink,
	"POST /share/{token}/ack":                                    byLink,

	"GET /worker.js":            anybody,
	"GET /offline":              anybody,
	"GET /manifest.webmanifest": anybody,

	"GET /nodes":              access.Viewer,
	"POST /nodes":             access.Operator,
	"GET /nodes/{node}":       access.Viewer,
	"GET /nodes/{node}/stats": access.Viewer,
	"GET /stats":              access.Viewer,
	"DELETE /nodes/{node}":    access.Operator,
	"DELETE /nodes":           access.Operator,
	"POST /shells":            access.Operator,
	"POST /run":               access.Operator,
	"POST /peers":             access.Operator,
	"POST /api/cmd":           access.Operator,
	"POST /api/shell":         access.Operator,
	"POST /nodes/{node}/eval": access.Operator,

	"GET /shells":    access.Viewer,
	"GET /find":      access.Viewer,
	"GET /stream":    access.Viewer,
	"POST /stream":   access.Viewer,
	"DELETE /stream": access.Viewer,
	"GET /carrier":   access.Viewer,
	"POST /streams/{stream}/shells/{node}/{shell}":   access.Viewer,
	"DELETE /streams/{stream}/shells/{node}/{shell}": access.Viewer,
	"GET /nodes/{node}/log":                          access.Viewer,
	"GET /nodes/{node}/shells":                       access.Viewer,
	"GET /nodes/{node}/shells/{shell}":               access.Viewer,
	"GET /nodes/{node}/shells/{shell}/text":          access.Viewer,
	"POST /nodes/{node}/shells/{shell}/ack":          access.Viewer,

	// In a shell it takes the role that opened it as well: this one is an admin's.
	"POST /nodes/{node}/shells":                 access.Admin,
	"DELETE /nodes/{node}/shells/{shell}":       access.Admin,
	"POST /nodes/{node}/shells/{shell}/input":   access.Admin,
	"POST /nodes/{node}/shells/{shell}/restart": access.Admin,
	"POST /nodes/{node}/shells/{shell}/size":    access.Admin,
	"POST /nodes/{node}/shells/{shell}/title":   access.Admin,
	"POST /nodes/{node}/shells/{shell}/answer":  access.Admin,
	"GET /nodes/{node}/shells/{shell}/alert":    access.Viewer,
	"POST /nodes/{node}/shells/{shell}/alert":   access.Viewer,
	"GET /push":                               access.Viewer,
	"POST /push":                              access.Viewer,
	"DELETE /push":                            access.Viewer,
	"GET /nodes/{node}/shells/{shell}/links":  access.Admin,
	"POST /nodes/{node}/shells/{shell}/links": access.Admin,
	"DELETE /nodes/{node}/shells/{shell}/links/{link}": access.Admin,

	"GET /nodes/{node}/shells/{shell}/files":        access.Admin,
	"GET /nodes/{node}/shells/{shell}/files/info":   access.Admin,
	"POST /nodes/{node}/shells/{shell}/files":       access.Admin,
	"POST /nodes/{node}/shells/{shell}/recording":   access.Admin,
	"DELETE /nodes/{node}/shells/{shell}/recording": access.Admin,
	"GET /recordings":                             access.Admin,
	"GET /recordings/{node}/{recording}":          access.Admin,
	"GET /nodes/{node}/recordings":                access.Admin,
	"GET /nodes/{node}/recordings/{recording}":    access.Admin,
	"DELETE /nodes/{node}/recordings/{recording}": access.Admin,
}

// guardedGets are the GETs that a page of another site must not cause.
var guardedGets = regexp.MustCompile(`/stream$|/carrier$|/files(/info)?$|/login/openid$`)

// askers are all kinds of users.
func (n *testNode) askers() map[string]asker {
	return map[string]asker{
		"nobody":   {},
		"viewer":   {role: access.Viewer, headers: n.loggedIn(access.Viewer, time.Hour)},
		"operator": {role: access.Operator, headers: n.loggedIn(access.Operator, time.Hour)},
		"admin":    {role: access.Admin, headers: n.loggedIn(access.Admin, time.Hour)},
		"expired":  {headers: n.loggedIn(access.Admin, -time.Hour)},
		"forged": {
			headers: []string{
				"Cookie: " + n.sessions.Cookies.Name + "=" + session.NewCookies([][]byte{keyOf('z')}).Sign(session.Session{
					Identity: access.Identity{Grant: "x", User: "admin", Role: access.Admin},
					Seen:     time.Now(),
					Expires:  time.Now().Add(time.Hour),
				}),
			},
		},
		"cross-site": {
			role:      access.Admin,
			crossSite: true,
			headers:   append(n.loggedIn(access.Admin, time.Hour), "Sec-Fetch-Site: cross-site", "Origin: https://evil.example"),
		},
		"wrong host": {
			role:      access.Admin,
			headers:   append(n.loggedIn(access.Admin, time.Hour), "Host: evil.example"),
			wrongHost: true,
		},
	}
}

// Every route is asked for by everybody who could ask, and gives what the table says. A new route needs a row.
func TestRoutes_WhoMayWhat(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withOpenID(t, n)
	n.begin(t) // discovery, which may take longer than asked waits
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	askers := n.askers()
	walked := map[string]bool{}
	everyRoute(t, n.publicRoutes(), func(method, route string) {
		name := method + " " + route
		if route == "/assets/*" {
			name = "GET /assets/*" // all methods; the others get 405
		}
		walked[name] = true
		takes, ok := routes[name]
		if !ok {
			t.Errorf("%s has no row in the table: who may ask for it?", name)
			return
		}
		if method != http.MethodGet && route == "/assets/*" {
			return
		}
		for who, a := range askers {
			if _, err := n.Shells.Get(s.ID); err != nil { // an admin has closed it
				s, err = n.client(t).Open(testkit.Context(t), self)
				testkit.Must(t, err)
			}
			path := strings.NewReplacer("{node}", self, "{shell}", s.ID, "{page}", "index", "/assets/*",
				assets.URL("css/base.css")).Replace(route)
			path = regexp.MustCompile(`{\w+}`).ReplaceAllString(path, "nosuch")
			n := n
			if name == "DELETE /logins" { // which ends the others'
				n = start(t, "/bin/cat")
			}
			if status, want := n.asked(t, a, method, path), a.expected(method, route, takes); !want(status) {
				t.Errorf("%-70s by %-10s: %d", name, who, status)
			}
		}
	})
	for name := range routes {
		if !walked[name] {
			t.Errorf("%s is in the table, and no route", name)
		}
	}
}

// asker is a kind of user.
type asker struct {
	role      access.Role
	headers   []string
	crossSite bool
	wrongHost bool
}

// loggedIn are the headers of a browser with such a login, which needs no page key.
func (n *testNode) loggedIn(role access.Role, left time.Duration) []string {
	s := session.Session{
		Identity: access.Identity{
			Grant: "login-of-" + role.String(),
			User:  "openid:" + role.String(),
			Role:  role,
			Home:  n.Self,
		},
		Seen:    time.Now(),
		Expires: time.Now().Add(left),
		Plain:   true,
	}
	return []string{"Cookie: " + n.sessions.Cookies.Name + "=" + n.sessions.Cookies.Sign(s)}
}

// asked makes a request that harms nothing if it is let through: bodies are empty or broken, and streams end at once.
func (n *testNode) asked(t *testing.T, a asker, method, path string) int {
	t.Helper()
	status := n.askedFor(50*time.Millisecond, a, method, path) // streams do not end
	if status == http.StatusBadGateway || status == http.StatusGatewayTimeout {
		// another node needs longer, or a busy one
		status = n.askedFor(testkit.Patience, a, method, path)
	}
	return status
}

// askedFor is the status of the answer to a request that is given up after some time.
func (n *testNode) askedFor(most time.Duration, a asker, method, path string) int {
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(""))
	ctx, cancel := context.WithTimeout(r.Context(), most)
	defer cancel()
	r = r.WithContext(ctx)
	for _, header := range a.headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	func() {
		defer func() { recover() }() //nolint:errcheck // an answer that breaks off
		n.public.ServeHTTP(w, r)
	}()
	return w.Code
}

// expected is what the answer must be.
func (a asker) expected(method, route string, takes access.Role) func(status int) bool {
	is := func(want int) func(int) bool { return func(status int) bool { return status == want } }
	switch {
	case a.wrongHost && route != "/healthz":
		return is(http.StatusMisdirectedRequest)
	case a.crossSite && (method != http.MethodGet || guardedGets.MatchString(route) && takes != byLink):
		return is(http.StatusForbidden)
	case takes == anybody:
		// a login without a token is wrong, and too often wrong in the end; so is a callback of none
		return func(status int) bool {
			return status < 400 || (method == http.MethodPost || strings.HasPrefix(route, session.OpenIDPath)) &&
				(status == http.StatusUnauthorized || status == http.StatusTooManyRequests)
		}
	case takes == byLink:
		return func(status int) bool {
			return status == http.StatusNotFound || status == http.StatusGone || status == http.StatusForbidden
		}
	case a.role == access.Nobody:
		return is(http.StatusUnauthorized)
	case a.role < takes:
		return is(http.StatusForbidden)
	}
	return func(status int) bool {
		return status != http.StatusUnauthorized && status != http.StatusForbidden &&
			status != http.StatusMisdirectedRequest &&
			(status < 500 || status == http.StatusServiceUnavailable) // nothing here makes nodes

	}
}

// A Convoy shell has the rights of the user who opened it. An operator can type in an operator's shell, but only view
// an admin's and system shells.
func TestRoles_InShells(t *testing.T) {
	t.Parallel()
	n := startTable(t, self, alone{}, pty.Config{
		Programs: []pty.Program{{Kind: "convoy", Args: []string{"/bin/cat"}}, {Kind: "system", Args: []string{"/bin/cat"}}},
		Max:      8,
	})
	open := func(role access.Role, kind string) (id string, status int) {
		answer := n.request(
			t, "POST", "/nodes/"+self+"/shells", fmt.Sprintf(`{"kind":%q}`, kind), n.loggedIn(role, time.Hour)...,
		)
		var s templates.Shell
		if answer.StatusCode == http.StatusCreated {
			testkit.Must(t, json.NewDecoder(answer.Body).Decode(&s))
		}
		return s.ID, answer.StatusCode
	}
	for _, test := range []struct {
		opener   access.Role
		kind     string
		opens    int
		operator int // answers to what an operator types
		viewer   int
	}{
		{access.Viewer, "convoy", 403, 0, 0},
		{access.Operator, "system", 403, 0, 0},
		{access.Operator, "convoy", 201, 204, 403},
		{access.Operator, "", 201, 204, 403},
		{access.Admin, "convoy", 201, 403, 403},
		{access.Admin, "system", 201, 403, 403},
	} {
		id, status := open(test.opener, test.kind)
		if status != test.opens {
			t.Errorf("%v opens %q: %d, want %d", test.opener, test.kind, status, test.opens)
		}
		if id == "" {
			continue
		}
		for role, want := range map[access.Role]int{access.Admin: 204, access.Operator: test.operator,
			access.Viewer: test.viewer} {
			path := "/nodes/" + self + "/shells/" + id
			if answer := n.request(t, "POST", path+"/input", "x", n.loggedIn(role, time.Hour)...); answer.StatusCode != want {
				t.Errorf("%v types in %q of %v: %d, want %d", role, test.kind, test.opener, answer.StatusCode, want)
			}
			own, err := n.Shells.Get(id)
			testkit.Must(t, err)
			ctx := session.With(t.Context(), session.Session{Role: role})
			if types := session.Limit(ctx, pty.Viewer{CanType: true}, own).CanType; types != (want == 204) {
				t.Errorf("%v attached to %q of %v types: %v", role, test.kind, test.opener, types)
			}
		}
	}
}
