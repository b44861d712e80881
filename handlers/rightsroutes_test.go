package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/assets"
	"convoy/handlers/session"
	"convoy/internal/testkit"
)

// How long a route needs the user's right: it is checked once, because the answer is immediate, or the answer stays
// open, and ends with the right.
const (
	asksOnce  = "asks once"
	staysOpen = "stays open"
)

// spans says it for each route that takes a login or a link. What stays open has a row in opens, too.
var spans = map[string]string{
	"GET /stream":                              staysOpen,
	"POST /stream":                             staysOpen,
	"GET /carrier":                             staysOpen,
	"GET /share/{token}/stream":                staysOpen,
	"POST /share/{token}/stream":               staysOpen,
	"GET /nodes/{node}/shells/{shell}/files":   staysOpen,
	"POST /nodes/{node}/shells/{shell}/files":  staysOpen,
	"GET /nodes/{node}/recordings/{recording}": staysOpen,
	"POST /nodes/{node}/eval":                  staysOpen,
	"POST /api/cmd":                            staysOpen,
	"POST /nodes/{node}/run":                   staysOpen,
	"POST /runbooks/{runbook}/run":             staysOpen,
	"POST /api/shell":                          staysOpen,

	"DELETE /stream":               asksOnce, // what it names is a secret of the browser
	"DELETE /share/{token}/stream": asksOnce,
	"GET /share/{token}/carrier":   asksOnce, // it shows nothing, and does not outlive the streams on it

	"GET /":                                asksOnce,
	"POST /logout":                         asksOnce,
	"GET /guide":                           asksOnce,
	"GET /guide/{page}":                    asksOnce,
	"GET /metrics":                         asksOnce,
	"GET /logins":                          asksOnce,
	"DELETE /logins":                       asksOnce,
	"DELETE /logins/{login}":               asksOnce,
	"POST /session/key":                    asksOnce,
	"POST /session/plain":                  asksOnce,
	"POST /session/pass":                   asksOnce,
	"GET /tokens":                          asksOnce,
	"POST /tokens":                         asksOnce,
	"DELETE /tokens/{token}":               asksOnce,
	"GET /audit":                           asksOnce,
	"GET /nodes/{node}/audit":              asksOnce,
	"GET /runbooks":                        asksOnce,
	"GET /runbooks/{runbook}":              asksOnce,
	"GET /share/{token}":                   asksOnce,
	"GET /runbooks/{runbook}/run/{run}":    asksOnce,
	"DELETE /runbooks/{runbook}/run/{run}": asksOnce,
	"GET /nodes/{node}/shells/{shell}/files/info":                asksOnce,
	"POST /share/{token}/streams/{stream}/shells/{node}/{shell}": asksOnce,
	"POST /share/{token}/input":                                  asksOnce,
	"POST /share/{token}/size":                                   asksOnce,
	"POST /share/{token}/ack":                                    asksOnce,
	"GET /nodes":                                                 asksOnce,
	"POST /nodes":                                                asksOnce,
	"GET /nodes/{node}":                                          asksOnce,
	"GET /nodes/{node}/stats":                                    asksOnce,
	"GET /stats":                                                 asksOnce,
	"DELETE /nodes/{node}":                                       asksOnce,
	"DELETE /nodes":                                              asksOnce,
	"POST /shells":                                               asksOnce,
	"POST /run":                                                  staysOpen,
	"GET /find":                                                  asksOnce,
	"POST /peers":                                                asksOnce,
	"GET /shells":                                                asksOnce,
	"POST /streams/{stream}/shells/{node}/{shell}":               asksOnce,
	"DELETE /streams/{stream}/shells/{node}/{shell}":             asksOnce,
	"GET /nodes/{node}/log":                                      asksOnce,
	"GET /nodes/{node}/shells":                                   asksOnce,
	"GET /nodes/{node}/shells/{shell}":                           asksOnce,
	"GET /nodes/{node}/shells/{shell}/text":                      asksOnce,
	"POST /nodes/{node}/shells/{shell}/ack":                      asksOnce,
	"POST /nodes/{node}/shells":                                  asksOnce,
	"DELETE /nodes/{node}/shells/{shell}":                        asksOnce,
	"POST /nodes/{node}/shells/{shell}/input":                    asksOnce,
	"POST /nodes/{node}/shells/{shell}/restart":                  asksOnce,
	"POST /nodes/{node}/shells/{shell}/size":                     asksOnce,
	"POST /nodes/{node}/shells/{shell}/title":                    asksOnce,
	"POST /nodes/{node}/shells/{shell}/answer":                   asksOnce,
	"GET /nodes/{node}/shells/{shell}/alert":                     asksOnce,
	"POST /nodes/{node}/shells/{shell}/alert":                    asksOnce,
	"GET /push":                                                  asksOnce,
	"POST /push":                                                 asksOnce,
	"DELETE /push":                                               asksOnce,
	"GET /nodes/{node}/shells/{shell}/links":                     asksOnce,
	"POST /nodes/{node}/shells/{shell}/links":                    asksOnce,
	"DELETE /nodes/{node}/shells/{shell}/links/{link}":           asksOnce,
	"POST /nodes/{node}/shells/{shell}/recording":                asksOnce,
	"DELETE /nodes/{node}/shells/{shell}/recording":              asksOnce,
	"GET /recordings":                                            asksOnce,
	"GET /recordings/{node}/{recording}":                         asksOnce,
	"GET /nodes/{node}/recordings":                               asksOnce,
	"DELETE /nodes/{node}/recordings/{recording}":                asksOnce,
}

// Every route has a row; and what stays open is opened by TestRights_StayOpen.
func TestRights_EveryRouteHasARow(t *testing.T) {
	t.Parallel()
	for name, takes := range routes {
		if _, ok := spans[name]; !ok && takes != anybody {
			t.Errorf("%s has no row in spans: does it ask for the right once, or does it stay open?", name)
		}
	}
	for name, span := range spans {
		if _, ok := routes[name]; !ok {
			t.Errorf("%s is in spans, and no route", name)
		}
		if _, ok := opens[name]; ok != (span == staysOpen) {
			t.Errorf("%s %s; is it opened by TestRights_StayOpen: %v", name, span, ok)
		}
	}
}

// When a right is lost, every route that took it refuses, on both nodes, and says to who was logged in no more than to
// a stranger.
func TestRights_EveryRoute(t *testing.T) {
	t.Parallel()
	everyLoss(t, func(t *testing.T, x *rights, take func(), left access.Role) {
		n := x.console
		s, err := n.client(t).Open(testkit.Context(t), n.Self)
		testkit.Must(t, err)
		before := asker{role: access.Admin, headers: []string{x.eve}}
		for name, takes := range routes {
			// which would be the end of it
			if takes < access.Viewer || name == "POST /logout" || strings.HasPrefix(name, "DELETE ") {
				continue
			}
			method, path := x.path(name, s.ID)
			if status := n.asked(t, before, method, path); status == http.StatusUnauthorized || status == http.StatusForbidden {
				t.Errorf("before: %s is %d", name, status)
			}
		}
		take()
		x.gone(t, left)
		after := asker{role: left, headers: []string{x.eve}}
		for name, takes := range routes {
			// the end of it
			if takes < access.Viewer || left != access.Nobody && (name == "POST /logout" || name == "DELETE /logins") {
				continue
			}
			method, path := x.path(name, s.ID)
			if status := n.asked(t, after, method, path); !after.expected(method, strings.Fields(name)[1], takes)(status) {
				t.Errorf("after: %s is %d", name, status)
			}
			if left != access.Nobody {
				continue
			}
			if got, want := n.said(t, method, path, x.eve), n.said(t, method, path); got != want {
				t.Errorf("%s says\n%s\nto who was logged in, and\n%s\nto a stranger", name, got, want)
			}
		}
	})
}

// path is a request for a route.
func (x *rights) path(name, shell string) (method, path string) {
	method, route, _ := strings.Cut(name, " ")
	path = strings.NewReplacer("{node}", x.console.Self, "{shell}", shell, "{page}", "index", "/assets/*",
		assets.URL("css/base.css")).
		Replace(route)
	return method, regexp.MustCompile(`{\w+}`).ReplaceAllString(path, "nosuch")
}

var nonceForm = regexp.MustCompile(`nonce[-=]"?[\w-]+`)

// said is a whole answer.
func (n *testNode) said(t *testing.T, method, path string, headers ...string) string {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	n.public.ServeHTTP(w, r)
	return nonceForm.ReplaceAllString(fmt.Sprint(w.Code, w.Header(), w.Body), "")
}

// The routes between nodes: no request is answered without an assertion of its user, or a link. TestRoutes_WhoMayWhat
// walks the others.
func TestRights_PeerRoutes(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	ended := access.Identity{User: "openid:eve", Role: access.Admin, Home: self, Grant: "ended", Created: time.Now().UTC()}
	_, err = n.Authority.Grants.Merge(
		[]access.Grant{
			{
				ID:      "ended",
				Kind:    access.Login,
				User:    "openid:eve",
				Created: ended.Created,
				Expires: ended.Created.Add(time.Hour),
				Revoked: ended.Created,
			},
		},
		time.Now(),
	)
	testkit.Must(t, err)
	said := session.AssertionHeader + ": " + session.Assertion{
		Who:   ended,
		Until: time.Now().Add(session.AssertionLife),
	}.Sign(keyOf('n'))
	testkit.Must(
		t,
		chi.Walk(
			n.peerRoutes().(chi.Router),
			func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
				if route == "/grants" {
					return nil
				}
				path := strings.NewReplacer("{node}", self, "{shell}", s.ID).Replace(route)
				path = regexp.MustCompile(`{\w+}`).ReplaceAllString(path, "nosuch")
				for who, header := range map[string]string{"nobody": "X-None: x", "a login that was ended": said} {
					r := httptest.NewRequest(method, path+"?viewer=viewer-of-the-rights&from=0", strings.NewReader("{}"))
					name, value, _ := strings.Cut(header, ": ")
					r.Header.Set(name, value)
					w := httptest.NewRecorder()
					n.peerRoutes().ServeHTTP(w, r)
					if want := map[bool]int{true: http.StatusGone, false: http.StatusForbidden}[strings.Contains(route,
						"/shared/")]; w.Code != want {
						t.Errorf("%s %s by %s: %d, want %d", method, route, who, w.Code, want)
					}
				}
				return nil
			},
		),
	)
}
