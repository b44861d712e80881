package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"convoy/access"
	"convoy/access/openid"
	"convoy/handlers"
)

// openIDFlags are the flags of a login by a provider, as they stand.
type openIDFlags struct{ issuer, client, redirect, userClaim, roleClaim, roles, name string }

func (cfg *config) checkOpenID(f flags, getenv func(string) string) (err error) {
	o := f.openID
	if o.issuer == "" {
		for name := range f.given {
			if strings.HasPrefix(name, "openid-") {
				return hint("say with -openid-issuer which provider logs people in, or leave out -"+name,
					"-%s is given without -openid-issuer", name)
			}
		}
		return nil
	}
	if err := openid.CheckURL(o.issuer); err != nil {
		return hint("give the provider's https URL, such as https://accounts.google.com; http is for this machine alone",
			"-openid-issuer %q: %w", o.issuer, err)
	}
	issuer, _ := url.Parse(o.issuer) //nolint:errcheck // it was checked
	cfg.OpenID = openid.Config{
		Issuer:       o.issuer,
		ClientID:     o.client,
		ClientSecret: getenv("CONVOY_OPENID_SECRET"),
		UserClaim:    o.userClaim,
		RoleClaim:    o.roleClaim,
		Name:         o.name,
	}
	if cfg.OpenID.Name == "" {
		cfg.OpenID.Name = issuer.Host
	}
	switch {
	case o.client == "":
		return hint("register this console at the provider, and give the client ID that it gets",
			"-openid-issuer needs -openid-client")
	case o.roleClaim == "":
		return hint("name the claim of the ID token that says who may what, such as groups", "-openid-role-claim is empty")
	case o.roles == "":
		return hint("say who gets which role, such as admins=admin,staff=viewer",
			"-openid-issuer needs -openid-roles; without it nobody could log in")
	}
	if cfg.OpenID.Roles, err = parseRoles(o.roles); err != nil {
		return hint("it takes VALUE=ROLE with commas, such as admins=admin,staff=operator,*=viewer", "-openid-roles: %w", err)
	}
	if cfg.OpenID.RedirectURL, err = redirectURL(o.redirect); err != nil {
		return hint("give the console's own URL, such as https://convoy.example.com"+handlers.OpenIDCallback,
			"-openid-redirect %q: %w", o.redirect, err)
	}
	return nil
}

// parseRoles reads which values of a claim give which role. A value may have an =, as LDAP's names do, but no comma.
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
			return nil, fmt.Errorf("%q is empty, or there twice", value)
		}
		roles[value] = role
	}
	return roles, nil
}

// redirectURL is the callback's URL; the console's URL alone will do.
func redirectURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("it is no URL of a console")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = handlers.OpenIDCallback
	}
	if u.Path != handlers.OpenIDCallback {
		return "", fmt.Errorf("its path is not %s", handlers.OpenIDCallback)
	}
	return u.String(), nil
}
