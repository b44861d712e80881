package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"convoy/access"
	"convoy/fleet"
	"convoy/internal/testkit"
	"convoy/logs"
	"convoy/peer"
	"convoy/pty"
)

// noSystem is a node without system shells.
type noSystem struct{}

func (noSystem) Name() string { return "sh" }

func (noSystem) Command(context.Context, string) (*exec.Cmd, error) {
	return nil, errors.New("there is no system shell")
}

func (noSystem) Confinement() any { return nil }

// passwordHash is the same for the users of all nodes.
var passwordHash = sync.OnceValues(func() ([]byte, error) {
	return bcrypt.GenerateFromPassword([]byte("a password"), bcrypt.MinCost)
})

// newService returns the service of a node with real parts, whose cluster has not joined. The users are the admins ann
// and bea.
func newService(t *testing.T) *Service {
	t.Helper()
	const self = "convoy@rights.test"
	hash, err := passwordHash()
	testkit.Must(t, err)
	file := filepath.Join(t.TempDir(), "users")
	testkit.Must(t, os.WriteFile(file, []byte("ann:"+string(hash)+":admin\nbea:"+string(hash)+":admin\n"), 0o600))
	users, err := access.OpenUsers(file, nil)
	testkit.Must(t, err)
	grants, err := access.OpenGrants("", false)
	testkit.Must(t, err)
	log := slog.New(slog.DiscardHandler)
	cluster, err := peer.New(peer.Config{
		Name:   self,
		Cookie: "kD93jfLq02mXv81zRtY6uWcB47nHsPaE",
		Bind:   netip.MustParseAddr("127.0.0.1"),
		Poll:   time.Second,
		Log:    log,
	})
	testkit.Must(t, err)
	t.Cleanup(func() { cluster.Close(); grants.Close() })
	return New(Config{
		Self:      self,
		Cluster:   cluster,
		Fleet:     fleet.New(fleet.Config{Self: self, Log: log}),
		Shells:    pty.NewTable(pty.Config{Node: self, Log: log}),
		Logs:      logs.New(10),
		Authority: access.NewAuthority(access.AuthorityConfig{Self: self, Users: users, Grants: grants, Log: log}),
		System:    noSystem{},
		Log:       log,
	})
}

// join lets the cluster call itself.
func join(t *testing.T, s *Service) {
	t.Helper()
	testkit.Must(t, s.cfg.Cluster.Join(testkit.Context(t), http.NotFoundHandler()))
}
