// Package openid has people log in at an OpenID Connect provider: the authorization code flow (RFC 6749, OpenID Connect
// Core 1.0) with PKCE (RFC 7636), state and nonce, as RFC 9700 advises. It keeps no tokens: what it takes from a
// provider is a name and a role.
package openid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"convoy/access"
)

const (
	// Prefix is what the names of users begin with. No user of a file can be called that: access.CheckName takes no colon.
	Prefix = "openid:"
	// Everybody is the entry of Config.Roles for all whom the provider knows.
	AnyUser = "*"
	// patience bounds all that is asked of the provider for one step of a login.
	requestTimeout = 10 * time.Second
)

// algorithms may sign an ID token: those with a public key. None, and those with a shared secret, may not.
var algorithms = []string{
	oidc.RS256,
	oidc.RS384,
	oidc.RS512,
	oidc.PS256,
	oidc.PS384,
	oidc.PS512,
	oidc.ES256,
	oidc.ES384,
	oidc.ES512,
	oidc.EdDSA,
}

// Config is what a provider is made of.
type Config struct {
	Issuer       string // its URL, to the letter
	ClientID     string
	ClientSecret string // empty for a public client
	// RedirectURL is the console's callback; empty: each login says it.
	RedirectURL string
	// UserClaim names the user; empty: email if it is verified, else preferred_username, else sub.
	UserClaim string
	// RoleClaim is a string or a list of strings; dots lead into objects, such as realm_access.roles.
	RoleClaim string
	// Roles are what the values of that claim give; the greatest counts.
	Roles map[string]access.Role
	// Name is what people call the provider.
	Name string
	// Keys sign cookies: the first signs, all are accepted.
	Keys [][]byte
}

// Kind is what went wrong with a login, as far as the answer depends on it.
type Kind int

// The kinds.
const (
	Stray       Kind = iota // the callback is of no login that this browser has begun here lately
	Unavailable             // the provider does not answer as it should
	Refused                 // the provider, or what it says, gives no login
)

// Error says why there is no login. Its text is for whoever logs in, and holds nothing secret.
type Error struct {
	Kind Kind
	Text string
	// Cause is for the log; nil: there is no more to say.
	Cause error
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Cause }

// Login is somebody whom the provider knows.
type Login struct {
	User    string // with Prefix
	Role    access.Role
	Subject string // what the provider tells its users apart by, in a form for the log
}

// Provider is an OpenID Connect provider. How it describes itself is kept until the process ends; its keys are asked
// for again when there is a new one. Its methods may be called by several goroutines.
type Provider struct {
	cfg    Config
	client *http.Client
	used   usedLogins

	discovering chan struct{} // held by whoever discovers, and looks at what follows
	// found is the provider as it describes itself; nil: not known yet, and the last try failed at that time.
	metadata *metadata
	failure  error
	failedAt time.Time
}

// found is what discovery gives.
type metadata struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// New makes a provider. It asks for nothing: the first login does.
func New(cfg Config) *Provider {
	return &Provider{cfg: cfg, client: newClient(), discovering: make(chan struct{}, 1)}
}

// Name is what people call the provider.
func (p *Provider) Name() string { return p.cfg.Name }

// redirect is the callback's URL: the one of Config, else the given one.
func (p *Provider) redirect(own string) string {
	if p.cfg.RedirectURL != "" {
		return p.cfg.RedirectURL
	}
	return own
}

// Begin begins a login: the URL that the browser goes to, and the value of a cookie that it keeps meanwhile, for
// CookieLife at the most. Callback is the console's callback as the browser reaches it. An error is an *Error.
func (p *Provider) Begin(ctx context.Context, callback string, now time.Time) (to, cookie string, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	f, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	a := newAttempt(p.cfg.Keys[0], now)
	oauth := f.oauth
	oauth.RedirectURL = p.redirect(callback)
	return oauth.AuthCodeURL(a.id, oidc.Nonce(a.nonce()), oauth2.S256ChallengeOption(a.verifier())), a.cookie(), nil
}

// Finish ends a login with what the provider had the browser bring, the query of the callback. A cookie counts once. An
// error is an *Error.
func (p *Provider) Finish(
	ctx context.Context,
	callback, cookie string,
	query url.Values,
	now time.Time,
) (Login, error) {
	a, ok := readAttempt(p.cfg.Keys, cookie, now)
	switch {
	case cookie == "":
		return Login{}, stray("this login did not begin in this browser and at this address, or it is over; log in again")
	case !ok:
		return Login{}, stray("this login took too long, or did not begin here; log in again")
	case !a.matches(query.Get("state")):
		return Login{}, stray("this answer belongs to another login; log in again")
	case !p.used.markUsed(a.id, a.expires, now):
		return Login{}, stray("this login was already used; log in again")
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != p.cfg.Issuer { // RFC 9207
		return Login{}, refuse(nil, "this answer came from another provider; log in again")
	}
	if code := query.Get("error"); code != "" {
		return Login{}, refuse(
			nil,
			"the provider %s refused the login: %s",
			p.cfg.Name,
			describeRefusal(code, query.Get("error_description")),
		)
	}
	if query.Get("code") == "" {
		return Login{}, refuse(nil, "the provider %s sent no code; log in again", p.cfg.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	f, err := p.discover(ctx)
	if err != nil {
		return Login{}, err
	}
	claims, err := p.exchange(ctx, f, a, p.redirect(callback), query.Get("code"))
	if err != nil {
		return Login{}, err
	}
	return p.cfg.login(claims)
}

// exchange gives the code away for an ID token, and verifies it (OpenID Connect Core, 3.1.3.7).
func (p *Provider) exchange(ctx context.Context, f *metadata, a attempt, callback, code string) (claims, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	oauth := f.oauth
	oauth.RedirectURL = callback
	tokens, err := oauth.Exchange(ctx, code, oauth2.VerifierOption(a.verifier()))
	if err != nil {
		return nil, p.notExchanged(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return nil, refuse(
			nil,
			"the provider %s sent no ID token; register this console there as an OpenID Connect client",
			p.cfg.Name,
		)
	}
	token, err := f.verifier.Verify(ctx, raw)
	if err != nil && strings.Contains(err.Error(), "fetching keys") { // go-oidc has no other word for it
		return nil, p.down(sanitized(err))
	}
	if err != nil {
		return nil, refuse(sanitized(err), "the ID token of %s is not valid; log in again", p.cfg.Name)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return nil, refuse(nil, "the ID token of %s cannot be read", p.cfg.Name)
	}
	party, _ := c["azp"].(string)
	switch {
	case !equal(token.Nonce, a.nonce()):
		return nil, refuse(
			errors.New("the nonce is another"),
			"the ID token of %s belongs to another login; log in again",
			p.cfg.Name,
		)
	case token.Subject == "":
		return nil, refuse(errors.New("there is no sub"), "the ID token of %s is not valid; log in again", p.cfg.Name)
	case (party != "" || len(token.Audience) > 1) && party != p.cfg.ClientID:
		return nil, refuse(errors.New("azp is another client"), "the ID token of %s is for another client", p.cfg.Name)
	}
	return c, nil
}

// tokenErrors are what a provider may answer instead of tokens (RFC 6749, 5.2).
var tokenErrors = []string{
	"invalid_request",
	"invalid_client",
	"invalid_grant",
	"unauthorized_client",
	"unsupported_grant_type",
	"invalid_scope",
}

// notExchanged says why there are no tokens. The answer itself is not shown: it may repeat what was sent.
func (p *Provider) notExchanged(err error) error {
	answer, answered := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case answered && slices.Contains(tokenErrors, answer.ErrorCode):
		return refuse(
			fmt.Errorf("the token endpoint reports %s", answer.ErrorCode),
			"the provider %s rejected its own code (%s); log in again",
			p.cfg.Name,
			answer.ErrorCode,
		)
	case answered:
		return p.down(fmt.Errorf("the token endpoint answers %s", answer.Response.Status))
	}
	return p.down(redacted(err))
}

// discover asks the provider to describe itself, if it has not done so yet (OpenID Connect Discovery 1.0). One asks,
// the others wait, and those who waited share a failure; whoever comes later tries again.
func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	came := time.Now()
	select {
	case p.discovering <- struct{}{}:
		defer func() { <-p.discovering }()
	case <-ctx.Done():
		return nil, p.down(ctx.Err())
	}
	if p.metadata != nil {
		return p.metadata, nil
	}
	if p.failedAt.After(came) {
		return nil, p.failure
	}
	f, err := p.ask(ctx)
	if errors.Is(ctx.Err(), context.Canceled) { // whoever asked has gone, which is no failure of the provider's
		return nil, p.down(ctx.Err())
	}
	if err != nil {
		p.failure, p.failedAt = p.down(err), time.Now()
		return nil, p.failure
	}
	p.metadata = f
	return f, nil
}

// described is what of a provider's description is needed beyond what go-oidc takes.
type described struct {
	Keys    string   `json:"jwks_uri"`
	Methods []string `json:"token_endpoint_auth_methods_supported"`
	Scopes  []string `json:"scopes_supported"`
}

func (p *Provider) ask(ctx context.Context) (*metadata, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.cfg.Issuer)
	if mismatch, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return nil, fmt.Errorf("it calls itself %q; set -openid-issuer to the same URL", asciiOnly(mismatch.Discovered))
	}
	if err != nil {
		return nil, redacted(err)
	}
	var d described
	if err := provider.Claims(&d); err != nil {
		return nil, errors.New("its configuration cannot be read")
	}
	endpoint := provider.Endpoint()
	for _, one := range []string{endpoint.AuthURL, endpoint.TokenURL, d.Keys} {
		if CheckURL(one) != nil {
			return nil, fmt.Errorf("its configuration names the endpoint %q, which is not https", asciiOnly(one))
		}
	}
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if p.cfg.ClientSecret == "" || len(d.Methods) > 0 && !slices.Contains(d.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &metadata{
		oauth: oauth2.Config{
			ClientID:     p.cfg.ClientID,
			ClientSecret: p.cfg.ClientSecret,
			Endpoint:     endpoint,
			Scopes:       p.cfg.scopes(d.Scopes),
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: algorithms}),
	}, nil
}

// scopes are what is asked for: who it is, and what the role's claim is named after, if the provider has such a scope.
func (cfg *Config) scopes(supported []string) []string {
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	first, _, _ := strings.Cut(cfg.RoleClaim, ".")
	if slices.Contains(supported, first) && !slices.Contains(scopes, first) {
		scopes = append(scopes, first)
	}
	return scopes
}

func (p *Provider) down(cause error) error {
	return &Error{
		Unavailable,
		fmt.Sprintf("the provider %s cannot be reached now; try again later, or log in another way", p.cfg.Name),
		cause,
	}
}

func stray(text string) error { return &Error{Kind: Stray, Text: text} }

func refuse(cause error, format string, args ...any) error {
	return &Error{Refused, fmt.Sprintf(format, args...), cause}
}

// CheckURL says what is wrong with the URL of a provider: it is https, or http on this machine.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("it is not the URL of a server")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("it is not https")
}
