package node

import (
	"cmp"
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
	file := n.accessFile(".token")
	if n.cfg.GeneratedToken {
		if err := store(file, given); err != nil {
			n.logger("access").Warn("giving this token at the next start will end its logins", "err", err)
		}
		return ""
	}
	if last, err := os.ReadFile(file); err == nil && string(last) == given {
		return ""
	}
	return given
}

// store writes a file and creates its directory. Without a file it does nothing.
func store(file, text string) error {
	if file == "" {
		return nil
	}
	return cmp.Or(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600))
}

// accessFile is where this node keeps something of access, by the file's extension; "" if it keeps nothing.
func (n *node) accessFile(extension string) string {
	if n.cfg.Data == "" || n.cfg.Spawned {
		return ""
	}
	return filepath.Join(n.cfg.Data, "access", n.cfg.host()+extension)
}

// openGrants opens the file of logins and API tokens. Without a file, the node keeps them in memory and logs a warning.
// A spawned node has no file, and queries other nodes.
func (n *node) openGrants() (*access.Grants, error) {
	file := n.accessFile(".db")
	if file == "" {
		return access.OpenGrants("", false)
	}
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
