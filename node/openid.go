package node

import "convoy/access/openid"

// newOpenID returns the OpenID Connect provider; nil if none is configured.
func (n *node) newOpenID() *openid.Provider {
	cfg := n.cfg.OpenID
	if cfg.Issuer == "" {
		return nil
	}
	cfg.Keys = deriveKeys(n.cfg.Cookie, "openid")
	return openid.New(cfg)
}
