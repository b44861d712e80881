package node

import (
	"fmt"
	"os"
	"path/filepath"

	"convoy/access"
	"convoy/rpc"
)

// newAuthority returns what decides the rights of users on this node.
func (n *node) newAuthority() (*access.Authority, error) {
	users, err := access.OpenUsers(n.cfg.Users, func(err error) {
		n.logger("access").Warn("some users cannot log in", "err", err)
	})
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
	cfg.Token = n.tokenGeneration()
	if id := n.cfg.OpenID; id.Issuer != "" {
		cfg.OpenID = access.Generation(id.Issuer, id.ClientID, id.UserClaim, id.RoleClaim, fmt.Sprint(id.Roles))
	}
	return access.NewAuthority(cfg), nil
}

// tokenGeneration is the generation of logins by the token: a given token's fingerprint, and none for a generated one,
// which changes with each start while logins stay. A generated token that is given at the next start is the same token,
// so its logins stay, too: a file has its fingerprint.
func (n *node) tokenGeneration() string {
	given := access.Generation(n.cfg.Token)
	if n.cfg.Data == "" || n.cfg.Spawned {
		if n.cfg.GeneratedToken {
			return ""
		}
		return given
	}
	file := filepath.Join(n.cfg.Data, "access", n.cfg.host()+".token")
	if n.cfg.GeneratedToken {
		err := os.MkdirAll(filepath.Dir(file), 0o700)
		if err == nil {
			err = os.WriteFile(file, []byte(given), 0o600)
		}
		if err != nil {
			n.logger("access").Warn("giving this token at the next start will end its logins", "err", err)
		}
		return ""
	}
	if last, err := os.ReadFile(file); err == nil && string(last) == given {
		return ""
	}
	return given
}

// openGrants opens the file of logins and API tokens. Without a file, the node keeps them in memory and logs a warning.
// A spawned node has no file, and queries other nodes.
func (n *node) openGrants() (*access.Grants, error) {
	if n.cfg.Data == "" || n.cfg.Spawned {
		return access.OpenGrants("", false)
	}
	file := filepath.Join(n.cfg.Data, "access", n.cfg.host()+".db")
	log := n.logger("access")
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		var grants *access.Grants
		if grants, err = access.OpenGrants(file, !n.cfg.GeneratedCookie); err == nil {
			log.Info("logins and API tokens", "file", file)
			return grants, nil
		}
	}
	log.Warn("logins and API tokens end with this node: they cannot be stored", "err", err)
	return access.OpenGrants("", false)
}
