// Package openid logs users in at an OpenID Connect provider: the authorization code flow (RFC 6749, OpenID Connect
// Core 1.0) with PKCE (RFC 7636), state and nonce, as RFC 9700 recommends. It keeps no tokens, only a name and a role.
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
	// Prefix is the prefix of the users' names. No user of a file has it: access.CheckName allows no colon.
	Prefix = "openid:"
	// AnyUser is the key of Config.Roles for every user of the provider.
	AnyUser = "*"
	// requestTimeout bounds all requests to the provider in one step of a login.
	requestTimeout = 10 * time.Second
)

// algorithms are the signatures that are accepted for an ID token: those with a public key.
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

// Config describes a provider.
type Config struct {
	Issuer       string // exact URL
	ClientID     string
	ClientSecret string // empty: a public client
	// RedirectURL is the console's callback; empty: the one that each login passes.
	RedirectURL string
	// UserClaim is the claim with the user's name; empty: a verified email, else preferred_username, else sub.
	UserClaim string
	// RoleClaim is a claim with a string or a list of strings; dots lead into objects, such as realm_access.roles.
	RoleClaim string
	// Roles maps values of that claim to roles; the highest counts.
	Roles map[string]access.Role
	// Name is the provider's name for users.
	Name string
	// Keys sign cookies: the first signs, all verify.
	Keys [][]byte
}

// Kind classifies a failed login.
type Kind int

// The kinds.
const (
	Stray       Kind = iota // the callback belongs to no recent login of this browser
	Unavailable             // the provider does not answer, or not as specified
	Refused                 // the provider refused the login, or its answer is invalid
)

// Error is why a login failed. Its text is for the user, and contains no secret.
type Error struct {
	Kind Kind
	Text string
	// Cause is for the log; may be nil.
	Cause error
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Cause }

// Login is a user that the provider authenticated.
type Login struct {
	User    string // with Prefix
	Role    access.Role
	Subject string // the provider's id of the user, sanitized for the log
}

// Provider is an OpenID Connect provider. Its metadata is cached until the process ends; its keys are fetched again
// when it uses a new one. It is safe for concurrent use.
type Provider struct {
	cfg    Config
	client *http.Client
	used   usedLogins

	discovering chan struct{} // held during discovery; guards what follows
	// metadata is nil until discovery succeeds. failure is the last one, at failedAt.
	metadata *metadata
	failure  error
	failedAt time.Time
}

// metadata is the result of discovery.
type metadata struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// New returns a provider. It sends nothing: discovery is part of the first login.
func New(cfg Config) *Provider {
	return &Provider{cfg: cfg, client: newClient(), discovering: make(chan struct{}, 1)}
}

// Name returns the provider's name for users.
func (p *Provider) Name() string { return p.cfg.Name }

// redirect returns the callback's URL.
func (p *Provider) redirect(own string) string {
	if p.cfg.RedirectURL != "" {
		return p.cfg.RedirectURL
	}
	return own
}

// Begin begins a login. It returns the URL to redirect to, and the value of a cookie for at most CookieLife. callback
// is the console's callback as the browser reaches it. Errors are *Error.
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

// Finish completes a login with the query of the callback. A cookie is valid once. Errors are *Error.
func (p *Provider) Finish(ctx context.Context, callback, cookie string, query url.Values, now time.Time) (
	Login, error) {
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
		reason := describeRefusal(code, query.Get("error_description"))
		return Login{}, refuse(nil, "the provider %s refused the login: %s", p.cfg.Name, reason)
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

// exchange exchanges the code for an ID token, and verifies it (OpenID Connect Core, 3.1.3.7).
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
		return nil, refuse(nil, "the provider %s sent no ID token; register this console there as an OpenID Connect client",
			p.cfg.Name)
	}
	token, err := f.verifier.Verify(ctx, raw)
	if err != nil && strings.Contains(err.Error(), "fetching keys") { // go-oidc has no error value for it
		return nil, p.unavailable(sanitized(err))
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
		return nil, refuse(errors.New("the nonce differs"), "the ID token of %s belongs to another login; log in again",
			p.cfg.Name)
	case token.Subject == "":
		return nil, refuse(errors.New("no sub claim"), "the ID token of %s is not valid; log in again", p.cfg.Name)
	case (party != "" || len(token.Audience) > 1) && party != p.cfg.ClientID:
		return nil, refuse(errors.New("azp names another client"), "the ID token of %s is for another client", p.cfg.Name)
	}
	return c, nil
}

// tokenErrors are the error codes of a token endpoint (RFC 6749, 5.2).
var tokenErrors = []string{
	"invalid_request",
	"invalid_client",
	"invalid_grant",
	"unauthorized_client",
	"unsupported_grant_type",
	"invalid_scope",
}

// notExchanged reports why there are no tokens. The response is not shown, because it may repeat what was sent.
func (p *Provider) notExchanged(err error) error {
	answer, answered := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case answered && slices.Contains(tokenErrors, answer.ErrorCode):
		return refuse(fmt.Errorf("the token endpoint reports %s", answer.ErrorCode),
			"the provider %s rejected its own code (%s); log in again", p.cfg.Name, answer.ErrorCode)
	case answered:
		return p.unavailable(fmt.Errorf("the token endpoint answers %s", answer.Response.Status))
	}
	return p.unavailable(redacted(err))
}

// discover fetches the provider's metadata, unless it is cached (OpenID Connect Discovery 1.0). One caller fetches
// while the others wait and share a failure; a later caller tries again.
func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	started := time.Now()
	select {
	case p.discovering <- struct{}{}:
		defer func() { <-p.discovering }()
	case <-ctx.Done():
		return nil, p.unavailable(ctx.Err())
	}
	if p.metadata != nil {
		return p.metadata, nil
	}
	if p.failedAt.After(started) {
		return nil, p.failure
	}
	f, err := p.fetch(ctx)
	if errors.Is(ctx.Err(), context.Canceled) { // the caller gave up: no failure of the provider
		return nil, p.unavailable(ctx.Err())
	}
	if err != nil {
		p.failure, p.failedAt = p.unavailable(err), time.Now()
		return nil, p.failure
	}
	p.metadata = f
	return f, nil
}

// described is the part of the metadata that go-oidc does not read.
type extraMetadata struct {
	Keys    string   `json:"jwks_uri"`
	Methods []string `json:"token_endpoint_auth_methods_supported"`
	Scopes  []string `json:"scopes_supported"`
}

func (p *Provider) fetch(ctx context.Context) (*metadata, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.cfg.Issuer)
	if mismatch, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return nil, fmt.Errorf("it calls itself %q; set -openid-issuer to the same URL", asciiOnly(mismatch.Discovered))
	}
	if err != nil {
		return nil, redacted(err)
	}
	var d extraMetadata
	if err := provider.Claims(&d); err != nil {
		return nil, errors.New("its configuration cannot be read")
	}
	endpoint := provider.Endpoint()
	for _, endpointURL := range []string{endpoint.AuthURL, endpoint.TokenURL, d.Keys} {
		if CheckURL(endpointURL) != nil {
			return nil, fmt.Errorf("its configuration names the endpoint %q, which is not https", asciiOnly(endpointURL))
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

// scopes returns the scopes to request: the user's name, and the first part of the role claim, if the provider has such
// a scope.
func (cfg *Config) scopes(supported []string) []string {
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	first, _, _ := strings.Cut(cfg.RoleClaim, ".")
	if slices.Contains(supported, first) && !slices.Contains(scopes, first) {
		scopes = append(scopes, first)
	}
	return scopes
}

func (p *Provider) unavailable(cause error) error {
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

// CheckURL reports why a text is no valid URL of a provider: https, or http on this machine.
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
