package node

import "convoy/access/openid"

// newOpenID makes the provider that logs people in; nil: there is none.
func (n *node) newOpenID() *openid.Provider {
	cfg := n.cfg.OpenID
	if cfg.Issuer == "" {
		return nil
	}
	cfg.Keys = deriveKeys(n.cfg.Cookie, "openid")
	return openid.New(cfg)
}
