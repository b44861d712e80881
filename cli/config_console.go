package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"convoy/access"
	"convoy/access/openid"
	"convoy/handlers/session"
	"convoy/handlers/web"
)

// basePath matches what needs no escaping in addresses, cookies and headers.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// checkBasePath removes slashes at the end of -base-path, so that / is none.
func (cfg *config) checkBasePath() error {
	given := cfg.BasePath
	cfg.BasePath = strings.TrimRight(given, "/")
	if cfg.BasePath != "" && !basePath.MatchString(cfg.BasePath) {
		return hint("begin it with a slash, and use letters, digits and . _ ~ -",
			"-base-path %q is not a path like /convoy", given)
	}
	return nil
}

// checkProxies reads -trusted-proxies, which replaces Railway's edge.
func (cfg *config) checkProxies() error {
	if cfg.proxies == "" {
		return nil
	}
	networks, err := web.ParseProxies(splitList(cfg.proxies))
	if err != nil {
		return hint("name addresses or networks such as 10.1.0.0/16, or loopback or private", "-trusted-proxies: %w", err)
	}
	cfg.Proxies = web.Proxies{Networks: networks}
	return nil
}

func (cfg *config) checkTLS() error {
	t := cfg.TLS
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return hint("-tls-cert and -tls-key go together: the certificate chain, and the key of its first certificate",
			"only one of -tls-cert and -tls-key is given")
	case t.SelfSigned && t.Cert != "":
		return hint("leave one of them out", "-tls-self and -tls-cert cannot be combined")
	case t.Cert == "":
		return nil
	}
	if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
		return hint("name two files in PEM: the certificate chain, and the key of its first certificate",
			"-tls-cert %q: %w", t.Cert, err)
	}
	return nil
}

func (cfg *config) checkUsers() error {
	if cfg.Users == "" && cfg.Data != "" {
		cfg.Users = filepath.Join(cfg.Data, "users")
	}
	if cfg.Users == "" {
		return nil
	}
	cfg.Users, _ = filepath.Abs(cfg.Users)
	if _, err := access.OpenUsers(cfg.Users, nil); err != nil {
		return hint("convoy user writes such a file", "the users cannot be read: %w", err)
	}
	return nil
}

func (cfg *config) checkOpenID() (err error) {
	o := &cfg.OpenID
	if o.Issuer == "" {
		for name := range cfg.given {
			if strings.HasPrefix(name, "openid-") {
				return hint("name the provider with -openid-issuer, or leave out -"+name,
					"-%s is given without -openid-issuer", name)
			}
		}
		return nil
	}
	if err := openid.CheckURL(o.Issuer); err != nil {
		return hint("give the provider's https URL, such as https://accounts.google.com; http is only for this machine",
			"-openid-issuer %q: %w", o.Issuer, err)
	}
	o.ClientSecret = cfg.getenv("CONVOY_OPENID_SECRET")
	if o.Name == "" {
		issuer, _ := url.Parse(o.Issuer) //nolint:errcheck // it was checked
		o.Name = issuer.Host
	}
	switch {
	case o.ClientID == "":
		return hint("register this console at the provider, and give its client ID", "-openid-issuer needs -openid-client")
	case o.RoleClaim == "":
		return hint("name the claim of the ID token that roles depend on, such as groups", "-openid-role-claim is empty")
	case cfg.roles == "":
		return hint("list who gets which role, such as admins=admin,staff=viewer",
			"-openid-issuer needs -openid-roles; without it, nobody could log in")
	}
	if o.Roles, err = parseRoles(cfg.roles); err != nil {
		return hint("it takes VALUE=ROLE with commas, such as admins=admin,staff=operator,*=viewer", "-openid-roles: %w", err)
	}
	redirect := o.RedirectURL
	if o.RedirectURL, err = redirectURL(redirect, cfg.BasePath+session.OpenIDCallback); err != nil {
		return hint("give the console's own URL, such as https://convoy.example.com"+cfg.BasePath+session.OpenIDCallback,
			"-openid-redirect %q: %w", redirect, err)
	}
	return nil
}

// parseRoles reads which value of a claim gives which role. A value may contain =, as LDAP names do, but no comma.
func parseRoles(text string) (map[string]access.Role, error) {
	roles := map[string]access.Role{}
	for _, one := range strings.Split(text, ",") {
		i := strings.LastIndexByte(one, '=')
		if i < 0 {
			return nil, fmt.Errorf("%q gives no role", one)
		}
		value := strings.TrimSpace(one[:i])
		role, err := access.ParseRole(strings.TrimSpace(one[i+1:]))
		if err != nil {
			return nil, err
		}
		if _, twice := roles[value]; value == "" || twice {
			return nil, fmt.Errorf("%q is empty, or listed twice", value)
		}
		roles[value] = role
	}
	return roles, nil
}

// redirectURL is the URL of the callback, which has that path and may be given as the console's URL.
func redirectURL(text, callback string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("not the URL of a console")
	}
	if path := strings.TrimRight(u.Path, "/"); path == strings.TrimSuffix(callback, session.OpenIDCallback) || path == "" {
		u.Path = callback
	}
	if u.Path != callback {
		return "", fmt.Errorf("its path is not %s", callback)
	}
	return u.String(), nil
}
