// Package openidtest is the test kit that runs a real OpenID Connect provider on the loopback, with users that have
// groups, a page to log in at, and ways to have it lie.
package openidtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	// ClientID is the console's name, and ClientSecret its secret.
	ClientID     = "convoy"
	ClientSecret = "the secret of+the/console"
	// PublicID is a client without a secret.
	PublicID = "convoy-public"
	// Password is the same for all users.
	Password = "everybody's password"
)

// User is a user of the provider.
type User struct {
	Name     string // preferred_username, and sub
	Email    string
	Verified bool
	Claims   map[string]any // groups, and other claims of the ID token
}

// Server is a provider. Its fields are read and changed within Change.
type Server struct {
	*httptest.Server
	Users []User
	// Redirects are the callbacks that its clients may name.
	Redirects []string
	// Instead answers a request, if it wants to, before the provider does.
	Instead func(w http.ResponseWriter, r *http.Request) bool
	// Forge makes another ID token of the one that the provider gives.
	Forge func(token string) string
	// Issued are all codes and tokens that were given away.
	Issued []string

	mu       sync.Mutex
	provider http.Handler
	key      op.SigningKey
	storage  *users
}

// Start runs a provider; the test's end stops it.
func Start(t testing.TB, list ...User) *Server {
	t.Helper()
	s := &Server{Users: list}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	s.storage = &users{server: s}
	s.storage.Storage = storage.NewStorageWithClients(s.storage, map[string]*storage.Client{
		ClientID: storage.WebClient(ClientID, ClientSecret), PublicID: storage.NativeClient(PublicID)})
	config := &op.Config{
		CryptoKey:       [32]byte{1},
		CodeMethodS256:  true,
		AuthMethodPost:  true,
		SupportedScopes: []string{"openid", "profile", "email", "groups"},
	}
	provider, err := op.NewProvider(
		config, s.storage, op.StaticIssuer(s.URL), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		t.Fatal(err)
	}
	if s.key, err = s.storage.SigningKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	back, issuer := op.AuthCallbackURL(provider), op.NewIssuerInterceptor(provider.IssuerFromRequest)
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) {
		page.Execute(w, r.FormValue("authRequestID")) //nolint:errcheck // the browser has gone
	})
	mux.HandleFunc("POST /login/username", issuer.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		if err := s.storage.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), id); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, back(r.Context(), id), http.StatusFound)
	}))
	s.provider = mux
	return s
}

var page = template.Must(
	template.New("").Parse(`<!doctype html><title>The provider</title><form method="post" action="/login/username">
<input type="hidden" name="id" value="{{.}}"><input id="username" name="username">
<input id="password" name="password" type="password"><button>Go on</button></form>`),
)

// Change does something between two requests.
func (s *Server) Change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// Secrets are all codes and tokens that were given away so far.
func (s *Server) Secrets() (list []string) {
	s.Change(func() { list = slices.Clone(s.Issued) })
	return list
}

// serve is one request at a time.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Instead != nil && s.Instead(w, r) {
		return
	}
	answer := httptest.NewRecorder()
	s.provider.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	if r.URL.Path == "/oauth/token" && answer.Code == http.StatusOK {
		body = s.tokens(body)
	}
	if to, err := url.Parse(answer.Header().Get("Location")); err == nil && to.Query().Get("code") != "" {
		s.Issued = append(s.Issued, to.Query().Get("code"))
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.Code)
	w.Write(body) //nolint:errcheck // the client may have left
}

// tokens records what was issued, and forges it.
func (s *Server) tokens(body []byte) []byte {
	var given map[string]any
	if json.Unmarshal(body, &given) != nil {
		return body
	}
	for _, name := range []string{"id_token", "access_token"} {
		if token, _ := given[name].(string); token != "" {
			s.Issued = append(s.Issued, token)
		}
	}
	if s.Forge != nil {
		given["id_token"] = s.Forge(given["id_token"].(string))
		s.Issued = append(s.Issued, given["id_token"].(string))
	}
	body, _ = json.Marshal(given) //nolint:errcheck // it was JSON
	return body
}

// Key is the provider's own key, and its id.
func (s *Server) Key() (key *rsa.PrivateKey, id string) {
	return s.key.Key().(*rsa.PrivateKey), s.key.ID()
}

// NewKey is a key that no provider has.
func NewKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// Sign signs claims with any key and algorithm.
func Sign(key any, id string, algorithm jose.SignatureAlgorithm, claims map[string]any) string {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", id),
	)
	if err != nil {
		panic(err)
	}
	body, _ := json.Marshal(claims) //nolint:errcheck // they were JSON
	signed, err := signer.Sign(body)
	if err != nil {
		panic(err)
	}
	token, _ := signed.CompactSerialize() //nolint:errcheck // one signature always has that form
	return token
}

// Claims are a token's claims.
func Claims(token string) (claims map[string]any) {
	if _, err := oidc.ParseToken(token, &claims); err != nil {
		panic(err)
	}
	return claims
}

// LogIn does what a browser does at the provider, from the URL that the console has sent it to: it gives the query with
// which the provider sends it back.
func (s *Server) LogIn(t testing.TB, from, user string) url.Values {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ask := func(method, to string, form url.Values) *url.URL {
		r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		next, err := answer.Location()
		if err != nil {
			text, _ := io.ReadAll(answer.Body) //nolint:errcheck // it is for the message
			t.Fatalf("%s %s: %s: %s", method, to, answer.Status, bytes.TrimSpace(text))
		}
		return next
	}
	form := ask("GET", from, nil)
	if form.Host != strings.TrimPrefix(s.URL, "http://") { // refused at once
		return form.Query()
	}
	back := ask(
		"POST", form.String(),
		url.Values{"id": {form.Query().Get("authRequestID")}, "username": {user}, "password": {Password}},
	)
	return ask("GET", back.String(), nil).Query()
}

// users are the provider's memory.
type users struct {
	*storage.Storage
	server *Server
}

// GetUserByID finds a user by sub.
func (u *users) GetUserByID(id string) *storage.User { return u.GetUserByUsername(id) }

// GetUserByUsername finds a user by name.
func (u *users) GetUserByUsername(name string) *storage.User {
	for _, one := range u.server.Users {
		if one.Name == name {
			return &storage.User{ID: name, Username: name, Password: Password, Email: one.Email, EmailVerified: one.Verified}
		}
	}
	return nil
}

// ExampleClientID is of no use here.
func (u *users) ExampleClientID() string { return "nobody" }

// SetUserinfoFromRequest puts a user's claims into an ID token.
func (u *users) SetUserinfoFromRequest(
	ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string,
) error {
	if err := u.Storage.SetUserinfoFromRequest(ctx, info, request, scopes); err != nil {
		return err
	}
	for _, one := range u.server.Users {
		if one.Name == request.GetSubject() {
			for name, value := range one.Claims {
				info.AppendClaims(name, value)
			}
		}
	}
	return nil
}

// GetClientByClientID finds a client.
func (u *users) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := u.Storage.GetClientByClientID(ctx, id)
	return client{c, u.server}, err
}

// AuthorizeClientIDSecret compares a client's secret.
func (u *users) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != ClientID || secret != ClientSecret {
		return errors.New("no such client, or another secret")
	}
	return nil
}

// client is a console at the provider.
type client struct {
	op.Client
	server *Server
}

func (c client) RedirectURIs() []string               { return c.server.Redirects }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c client) IsScopeAllowed(scope string) bool     { return scope == "groups" }
func (c client) DevMode() bool                        { return true }
func (c client) ApplicationType() op.ApplicationType  { return op.ApplicationTypeWeb }
func (c client) LoginURL(id string) string {
	return fmt.Sprintf("/login/username?authRequestID=%s", url.QueryEscape(id))
}
