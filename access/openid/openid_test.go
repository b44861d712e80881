package openid

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"convoy/access"
	"convoy/internal/openidtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const callback = "http://localhost:4000/login/openid/callback"

var roles = map[string]access.Role{"ops": access.Operator, "/admins": access.Admin, "staff": access.Viewer}

// provider returns a Provider of a real server; edit changes its configuration.
func provider(t *testing.T, s *openidtest.Server, edit func(*Config)) *Provider {
	t.Helper()
	s.Change(func() { s.Redirects = []string{callback} })
	cfg := Config{
		Issuer:       s.URL,
		ClientID:     openidtest.ClientID,
		ClientSecret: openidtest.ClientSecret,
		RoleClaim:    "groups",
		Roles:        roles,
		Name:         "Example",
		Keys:         [][]byte{[]byte("new key"), []byte("old key")},
	}
	if edit != nil {
		edit(&cfg)
	}
	return New(cfg)
}

// through completes a login.
func through(t *testing.T, p *Provider, s *openidtest.Server, user string) (Login, error) {
	t.Helper()
	to, cookie, err := p.Begin(t.Context(), callback, time.Now())
	if err != nil {
		return Login{}, err
	}
	return p.Finish(t.Context(), callback, cookie, s.LogIn(t, to, user), time.Now())
}

func groups(names ...any) map[string]any { return map[string]any{"groups": names} }

// A user gets the highest role that the claim maps to, and a name that no local user can have.
func TestLogin(t *testing.T) {
	s := openidtest.Start(
		t,
		openidtest.User{Name: "ann", Email: "Ann@Example.com", Verified: true, Claims: groups("staff", "/admins", "ops")},
		openidtest.User{Name: "olga", Email: "ann@example.com", Claims: map[string]any{"groups": "ops"}},
		openidtest.User{Name: "ann@example.com", Claims: groups("staff")},
		openidtest.User{Name: "eve|1", Claims: groups("staff")},
		openidtest.User{Name: "mallory", Claims: groups("Ops", "*", 7, nil, "")},
		openidtest.User{
			Name: "kay",
			Claims: map[string]any{
				"realm_access":              map[string]any{"roles": []any{"ops"}},
				"https://example.com/roles": []any{"/admins"},
			},
		},
	)
	for _, test := range []struct {
		user string
		edit func(*Config)
		want string // the login, or a part of the error
	}{
		{"ann", nil, "openid:ann@example.com admin"},
		{"olga", nil, "openid:olga operator"},                     // her email is not verified
		{"ann@example.com", nil, "openid:ann@example.com viewer"}, // from the sub
		{"ann", func(c *Config) { c.UserClaim = "preferred_username" }, "openid:ann admin"},
		{"eve|1", nil, "no valid name in email, preferred_username, sub"},
		{"olga", func(c *Config) { c.UserClaim = "email" }, "no valid name in email"},
		{"mallory", nil, "knows you as mallory, but no value of the claim groups maps to a role"},
		{"mallory", func(c *Config) { c.Roles = map[string]access.Role{"*": access.Viewer} }, "openid:mallory viewer"},
		{"kay", nil, "no value of the claim groups maps to a role"},
		{"kay", func(c *Config) { c.RoleClaim = "realm_access.roles" }, "openid:kay operator"},
		{"kay", func(c *Config) { c.RoleClaim = "https://example.com/roles" }, "openid:kay admin"},
		{"ann", func(c *Config) {
			c.RoleClaim, c.Roles = "email", map[string]access.Role{"Ann@Example.com": access.Operator}
		}, "openid:ann@example.com operator"},
		{"olga", func(c *Config) {
			c.RoleClaim, c.Roles = "email", map[string]access.Role{"ann@example.com": access.Admin}
		}, "no value of the claim email maps to a role"},
		{"ann", func(c *Config) { c.ClientID, c.ClientSecret = openidtest.PublicID, "" }, "openid:ann@example.com admin"},
		{"ann", func(c *Config) { c.ClientSecret = "another" }, "rejected its own code (invalid_client)"},
	} {
		login, err := through(t, provider(t, s, test.edit), s, test.user)
		got := login.User + " " + login.Role.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, test.want) || err == nil && got != test.want {
			t.Errorf("%s: %s, want %s", test.user, got, test.want)
		}
		if err == nil && access.CheckName(login.User) == nil {
			t.Errorf("%s could be a user of the file", login.User)
		}
	}
}

// kindOf returns the kind of a login's error.
func kindOf(t *testing.T, err error) Kind {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%v is no *Error", err)
	}
	return e.Kind
}

// A callback is valid once, in the browser that began the login, for ten minutes.
func TestFinish_Stray(t *testing.T) {
	s := openidtest.Start(t, openidtest.User{Name: "ann", Claims: groups("ops")})
	p := provider(t, s, nil)
	now := time.Now()
	to, cookie, err := p.Begin(t.Context(), callback, now)
	if err != nil {
		t.Fatal(err)
	}
	query := s.LogIn(t, to, "ann")
	_, other, err := p.Begin(t.Context(), callback, now)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(cookie, ".")
	stray := func(what, cookie string, query url.Values, at time.Time) {
		t.Helper()
		_, err := p.Finish(t.Context(), callback, cookie, query, at)
		if err == nil || kindOf(t, err) != Stray || !strings.HasSuffix(err.Error(), "log in again") {
			t.Errorf("%s: %v", what, err)
		}
	}
	stray("no cookie", "", query, now)
	stray("another login's cookie", other, query, now)
	stray("an old cookie", cookie, query, now.Add(CookieLife+time.Second))
	stray("a longer life", parts[0]+".9999999999."+parts[2], query, now)
	stray("no state", cookie, url.Values{"code": query["code"]}, now)
	stray("another state", cookie, url.Values{"code": query["code"], "state": {"x"}}, now)
	stray("a cookie of another key", newAttempt([]byte("z"), now).cookie(), query, now)
	if login, err := p.Finish(
		t.Context(), callback, cookie, query, now.Add(CookieLife-2*time.Second),
	); err != nil || login.User != "openid:ann" || login.Subject != "ann" {
		t.Errorf("the right one: %+v, %v", login, err)
	}
	stray("again", cookie, query, now)

	a := newAttempt([]byte("old key"), now)
	if read, ok := readAttempt(
		p.cfg.Keys, a.cookie(), now,
	); !ok || read.nonce() != a.nonce() || read.verifier() != a.verifier() || len(a.verifier()) != 43 {
		t.Error("a cookie of the old key is not read as it was written")
	}
	if strings.Contains(cookie, a.nonce()) || strings.Contains(to, a.verifier()) {
		t.Error("a secret shows")
	}
}

// forgeries are changes to an ID token, by name. changed changes a claim; nil deletes it.
func forgeries(s *openidtest.Server) (changed func(name string, value any) func(string) string,
	all map[string]func(token string) string) {
	key, id := s.Key()
	changed = func(name string, value any) func(string) string {
		return func(token string) string {
			c := openidtest.Claims(token)
			if c[name] = value; value == nil {
				delete(c, name)
			}
			return openidtest.Sign(key, id, jose.RS256, c)
		}
	}
	return changed, map[string]func(token string) string{
		"wrong key": func(token string) string {
			return openidtest.Sign(openidtest.NewKey(), id, jose.RS256, openidtest.Claims(token))
		},
		"unknown key": func(token string) string {
			return openidtest.Sign(openidtest.NewKey(), "x", jose.RS256, openidtest.Claims(token))
		},
		"alg none": func(token string) string { return "eyJhbGciOiJub25lIn0." + strings.Split(token, ".")[1] + "." },
		"alg HS256": func(token string) string {
			return openidtest.Sign(key.PublicKey.N.Bytes(), id, jose.HS256, openidtest.Claims(token))
		},
		"signature cut":  func(token string) string { return token[:strings.LastIndex(token, ".")+1] },
		"wrong issuer":   changed("iss", "https://evil.example"),
		"wrong audience": changed("aud", "another"),
		"two audiences": func(token string) string {
			c := openidtest.Claims(token)
			c["aud"] = []string{openidtest.ClientID, "x"}
			delete(c, "azp")
			return openidtest.Sign(key, id, jose.RS256, c)
		},
		"another's party":  changed("azp", "another"),
		"wrong nonce":      changed("nonce", "x"),
		"no nonce":         changed("nonce", nil),
		"expired":          changed("exp", 1000),
		"no expiry":        changed("exp", nil),
		"not yet":          changed("nbf", time.Now().Add(time.Hour).Unix()),
		"no sub":           changed("sub", nil),
		"no token":         func(string) string { return "" },
		"not a token":      func(string) string { return "a.b.c" },
		"claims no object": func(string) string { return "eyJhbGciOiJub25lIn0.W10." },
	}
}

// A token that the provider did not issue for this client and this login is refused, and the error reveals nothing of
// it.
func TestFinish_ForgedToken(t *testing.T) {
	s := openidtest.Start(t, openidtest.User{Name: "ann", Claims: groups("ops")})
	changed, all := forgeries(s)
	for name, forge := range all {
		s.Change(func() { s.Forge, s.Issued = forge, nil })
		login, err := through(t, provider(t, s, nil), s, "ann")
		if err == nil || kindOf(t, err) != Refused {
			t.Errorf("%s: %+v, %v", name, login, err)
			continue
		}
		text := err.Error()
		if cause := errors.Unwrap(err); cause != nil {
			text += " " + cause.Error()
		}
		for _, secret := range s.Secrets() {
			if secret != "" && secret != "a.b.c" && strings.Contains(text, secret) {
				t.Errorf("%s: %s holds a secret", name, text)
			}
		}
	}
	s.Change(func() { s.Forge = changed("name", "Ann") })
	if _, err := through(t, provider(t, s, nil), s, "ann"); err != nil {
		t.Errorf("a token that was changed harmlessly: %v", err)
	}
}

// downTests are responses of a provider to requests of a path, and what the cause of the error contains.
func downTests(issuer string) []downTest {
	const discovery = "/.well-known/openid-configuration"
	config := `{"issuer":"` + issuer + `","authorization_endpoint":`
	return []downTest{
		{discovery, endless, "more than 1048576 bytes"},
		{discovery, status(500), "500"},
		{discovery, status(302), "302"},
		{discovery, body(`{"issuer":"https://evil.example"}`), "calls itself"},
		{discovery, body(config + `"javascript:alert(1)"}`), "not https"},
		{discovery, body(config + `"https://a/","token_endpoint":"http://a/"}`), "not https"},
		{discovery, body(`[`), ""},
		{"/oauth/token", endless, ""},
		{"/oauth/token", status(307), "307"},
		{"/oauth/token", status(500), "500"},
		{"/oauth/token", body(`{`), ""},
		{"/keys", endless, "more than 1048576 bytes"},
		{"/keys", status(500), "500"},
		{"/keys", body(`{`), "keys"},
	}
}

type downTest struct {
	path   string
	answer http.HandlerFunc
	cause  string
}

func endless(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i < 8<<20; i += 1 << 16 {
		if _, err := w.Write(make([]byte, 1<<16)); err != nil {
			return
		}
	}
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, text) //nolint:errcheck // the client reports it
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://evil.example/")
		http.Error(w, "\x1b[31m<script>"+strings.Repeat("x", 1000), code)
	}
}

// A provider that is down, or whose answers are invalid or too large, is unavailable, and is tried again at the next
// login.
func TestProvider_Down(t *testing.T) {
	s := openidtest.Start(t, openidtest.User{Name: "ann", Claims: groups("ops")})
	p := provider(t, s, nil)
	for _, test := range downTests(s.URL) {
		s.Change(func() {
			s.Instead = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == test.path {
					test.answer(w, r)
				}
				return r.URL.Path == test.path
			}
		})
		_, err := through(t, p, s, "ann")
		if err == nil || kindOf(t, err) != Unavailable ||
			!strings.HasPrefix(err.Error(), "the provider Example cannot be reached now") {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		cause := errors.Unwrap(err).Error()
		if !strings.Contains(cause, test.cause) || len(cause) > 400 || strings.Contains(cause, "\x1b") {
			t.Errorf("%s: cause %q, want %q", test.path, cause, test.cause)
		}
	}
	s.Change(func() { s.Instead = nil })
	if _, err := through(t, p, s, "ann"); err != nil {
		t.Errorf("the provider is back: %v", err)
	}
	s.Close()
	p = New(Config{Issuer: s.URL, ClientID: "x", Name: "Example", Keys: [][]byte{{1}}})
	_, _, err := p.Begin(t.Context(), callback, time.Now())
	if err == nil || kindOf(t, err) != Unavailable || !strings.Contains(errors.Unwrap(err).Error(), "refused") {
		t.Errorf("no server: %v", err)
	}
}

// One caller discovers while others wait. A caller that gives up is no failure of the provider, and all waiting callers
// get a failure.
func TestProvider_OneDiscovers(t *testing.T) {
	s := openidtest.Start(t)
	p := provider(t, s, nil)
	asked, answers := make(chan bool), make(chan bool)
	instead := func(w http.ResponseWriter, r *http.Request) bool {
		select {
		case asked <- true:
		case <-r.Context().Done():
			return true
		}
		select {
		case good := <-answers:
			if !good {
				http.Error(w, "no", http.StatusInternalServerError)
			}
			return !good
		case <-r.Context().Done():
			return true
		}
	}
	s.Change(func() { s.Instead = instead })
	begin := func(ctx context.Context, done chan error) {
		_, _, err := p.Begin(ctx, callback, time.Now())
		done <- err
	}
	ctx, giveUp := context.WithCancel(t.Context())
	gone, waited := make(chan error, 1), make(chan error, 1)
	go begin(ctx, gone)
	<-asked
	go begin(t.Context(), waited)
	giveUp()
	if err := <-gone; kindOf(t, err) != Unavailable {
		t.Error(err)
	}
	<-asked
	answers <- false
	if err := <-waited; kindOf(t, err) != Unavailable || !strings.Contains(errors.Unwrap(err).Error(), "500") {
		t.Error(err)
	}
	go begin(t.Context(), waited)
	<-asked
	answers <- true
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

// A provider's error is shown as a short ASCII text.
func TestFinish_ProviderRefuses(t *testing.T) {
	s := openidtest.Start(t)
	p := provider(t, s, nil)
	for _, test := range []struct {
		query url.Values
		want  string
	}{
		{url.Values{"error": {"access_denied"}}, "the provider Example refused the login: access_denied"},
		{url.Values{"error": {"access_denied"}, "error_description": {"You said no."}},
			"the provider Example refused the login: “You said no” (access_denied)"},
		{url.Values{"error": {"x"}, "error_description": {"a\x1b[31m\r\nb\u202e" + strings.Repeat("c", 5000)}},
			"the provider Example refused the login: “a[31mb" + strings.Repeat("c", maxDescription-6) + "” (x)"},
		{url.Values{}, "the provider Example sent no code; log in again"},
		{url.Values{"code": {"x"}, "iss": {"https://evil.example"}}, "this answer came from another provider; log in again"},
	} {
		a := newAttempt(p.cfg.Keys[0], time.Now())
		test.query.Set("state", a.id)
		if _, err := p.Finish(
			t.Context(), callback, a.cookie(), test.query, time.Now(),
		); err == nil || err.Error() != test.want || kindOf(t, err) != Refused {
			t.Errorf("%v: %v", test.query, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for text, good := range map[string]bool{"https://a.example": true, "https://a.example/realms/x": true,
		"http://localhost:1": true, "http://127.0.0.1:1": true, "http://[::1]/": true,
		"http://a.example": false, "http://localhost.evil.example": false, "a.example": false, "": false,
		"ftp://localhost":       false,
		"https://u:p@a.example": false, "https://a.example#x": false, "javascript:alert(1)": false, "https:///x": false} {
		if err := CheckURL(text); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}
