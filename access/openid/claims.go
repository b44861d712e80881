package openid

import (
	"errors"
	"fmt"
	"strings"

	"convoy/access"
)

// claims are the claims of an ID token.
type claims map[string]any

// login maps claims to a name and a role.
func (cfg *Config) login(c claims) (Login, error) {
	user, err := cfg.user(c)
	if err != nil {
		return Login{}, err
	}
	subject, _ := c["sub"].(string)
	l := Login{User: Prefix + user, Role: cfg.role(c), Subject: asciiOnly(subject)}
	if l.Role == access.Nobody {
		cause := errors.New("the ID token has no such claim")
		if value := c.get(cfg.RoleClaim); value != nil {
			cause = sanitized(fmt.Errorf("the claim is %v", value))
		}
		return l, refuse(cause, "the provider %s knows you as %s, but no value of the claim %s maps to a role here; "+
			"ask the operator of this console", cfg.Name, user, cfg.RoleClaim)
	}
	return l, nil
}

// user returns the user's name. By default a preferred_username that looks like an address is ignored: users may choose
// it, and so choose another's.
func (cfg *Config) user(c claims) (string, error) {
	names := []string{cfg.UserClaim}
	if cfg.UserClaim == "" {
		names = []string{"email", "preferred_username", "sub"}
	}
	for _, name := range names {
		text, _ := c.get(name).(string)
		text = strings.ToLower(text)
		chosen := cfg.UserClaim == "" && name == "preferred_username" && strings.Contains(text, "@")
		if access.CheckName(text) == nil && !chosen {
			return text, nil
		}
	}
	return "", refuse(nil, "the provider %s gives no valid name in %s; a name has 1 to 64 characters of a-z, 0-9, dot, "+
		"dash, underscore and @, and an email must be verified", cfg.Name, strings.Join(names, ", "))
}

// role returns the highest role that the claim maps to.
func (cfg *Config) role(c claims) access.Role {
	role := cfg.Roles[AnyUser]
	switch value := c.get(cfg.RoleClaim).(type) {
	case string:
		role = max(role, cfg.Roles[value])
	case []any:
		for _, one := range value {
			if text, ok := one.(string); ok {
				role = max(role, cfg.Roles[text])
			}
		}
	}
	return role
}

// get returns a claim. An unverified email is ignored, because anyone could claim it.
func (c claims) get(name string) any {
	if name == "email" && fmt.Sprint(c["email_verified"]) != "true" { // some providers send a string
		return nil
	}
	return lookup(c, name)
}

// lookup returns the value of a name, which may contain dots itself, or be a path with dots.
func lookup(c map[string]any, name string) any {
	if value, ok := c[name]; ok {
		return value
	}
	for i, r := range name {
		if r != '.' {
			continue
		}
		if below, ok := c[name[:i]].(map[string]any); ok {
			if value := lookup(below, name[i+1:]); value != nil {
				return value
			}
		}
	}
	return nil
}
