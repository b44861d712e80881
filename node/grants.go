package node

import (
	"fmt"
	"os"
	"path/filepath"

	"convoy/access"
	"convoy/rpc"
)

// newAuthority makes what decides who may do what here.
func (n *node) newAuthority() (*access.Authority, error) {
	users, err := access.OpenUsers(n.cfg.Users)
	if err != nil {
		return nil, err
	}
	grants, err := n.openGrants()
	if err != nil {
		return nil, err
	}
	cfg := access.AuthorityConfig{
		Self:      n.cfg.Name,
		Users:     users,
		Grants:    grants,
		HomeNodes: rpc.HomeNodes{Cluster: n.cluster},
		Log:       n.logger("access"),
	}
	if !n.cfg.GeneratedToken {
		cfg.Token = access.Generation(n.cfg.Token)
	}
	if id := n.cfg.OpenID; id.Issuer != "" {
		cfg.OpenID = access.Generation(id.Issuer, id.ClientID, id.UserClaim, id.RoleClaim, fmt.Sprint(id.Roles))
	}
	return access.NewAuthority(cfg), nil
}

// openGrants opens the file of who is logged in and of API tokens. A node without one goes on, and says so; one that
// another node made has none, and asks the others.
func (n *node) openGrants() (*access.Grants, error) {
	if n.cfg.Data == "" || n.cfg.Spawned {
		return access.OpenGrants("", false)
	}
	file := filepath.Join(n.cfg.Data, "access", n.cfg.host()+".db")
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		var grants *access.Grants
		if grants, err = access.OpenGrants(file, !n.cfg.GeneratedCookie); err == nil {
			n.log.Info("logins and tokens", "component", "access", "file", file)
			return grants, nil
		}
	}
	n.log.Warn("logins and API tokens are not kept", "component", "access", "err", err)
	return access.OpenGrants("", false)
}
