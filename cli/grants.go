package cli

import (
	"os"
	"path/filepath"

	"convoy/access"
)

// openGrants opens the file of who is logged in and of API tokens. A node without one goes on, and says so; one that
// another node made has none, and asks the others.
func (n *node) openGrants() (*access.Grants, error) {
	if n.cfg.data == "" || n.cfg.spawned {
		return access.OpenGrants("", false)
	}
	file := filepath.Join(n.cfg.data, "access", hostOf(n.cfg.name)+".db")
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		var grants *access.Grants
		if grants, err = access.OpenGrants(file, !n.cfg.ownCookie); err == nil {
			n.log.Info("logins and tokens", "component", "access", "file", file)
			return grants, nil
		}
	}
	n.log.Warn("logins and API tokens are not kept", "component", "access", "err", err)
	return access.OpenGrants("", false)
}
