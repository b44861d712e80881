package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"convoy/access"
	"convoy/internal/testkit"
)

// homesOf has a node ask the others directly.
type homesOf map[string]*testNode

func (h homesOf) Roles(_ context.Context, node string, list []access.Identity) (roles []access.Role, err error) {
	for _, who := range list {
		roles = append(roles, h[node].Authority.LocalRole(who))
	}
	return roles, nil
}

// waits is a prompt whose calls end when their context does, and a system shell likewise.
type waits struct{ began, ended chan string }

func (p waits) wait(ctx context.Context, what string) error {
	p.began <- what
	<-ctx.Done()
	p.ended <- what
	return ctx.Err()
}

func (p waits) Evaluate(ctx context.Context, _ access.Identity, source string) (Evaluation, error) {
	return Evaluation{}, p.wait(ctx, source)
}

func (p waits) Ask(ctx context.Context, _ access.Identity, _, fn string, _ []json.RawMessage) (any, error) {
	return nil, p.wait(ctx, fn)
}

func (p waits) Run(ctx context.Context, _ access.Identity, command string) (Result, error) {
	return Result{}, p.wait(ctx, command)
}

// rights are two nodes. The first has the file of users, with the admins eve and bea.
type rights struct {
	home, other *testNode
	console     *testNode // of the two, the one that is asked
	waits       waits
	users       string // the file
	eve         string // the cookie of eve's login at home
}

func newRights(t *testing.T, asksHome bool) *rights {
	t.Helper()
	x := &rights{waits: waits{make(chan string, 8), make(chan string, 8)}}
	x.home, x.other = twoNodes(t)
	path := filepath.Join(t.TempDir(), "users")
	x.users = path
	x.write(t, "eve", "bea")
	users, err := access.OpenUsers(path, nil)
	testkit.Must(t, err)
	x.home.Authority.Users = users
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, n := range []*testNode{x.home, x.other} {
		n.Authority.HomeNodes = homesOf{x.home.Self: x.home, x.other.Self: x.other}
		n.Prompt, n.Commands, n.MaxUpload = x.waits, x.waits, large
		running.Go(func() { n.Authority.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	_, x.eve = x.home.logInAs(t, "name", "eve", "password", "eve's password")
	if x.console = x.other; asksHome {
		x.console = x.home
	}
	x.console.eventuallyIs(t, http.StatusOK, "GET", "/nodes", x.eve)
	return x
}

// write replaces the users file. Its hashes are cheaper than those of convoy user.
func (x *rights) write(t *testing.T, admins ...string) {
	t.Helper()
	text := ""
	for _, name := range admins {
		hash, err := bcrypt.GenerateFromPassword([]byte(name+"'s password"), bcrypt.MinCost)
		testkit.Must(t, err)
		text += name + ":" + string(hash) + ":admin\n"
	}
	testkit.Must(t, os.WriteFile(x.users, []byte(text), 0o600))
}

// lost are the ways in which eve's login loses what it may do, and the role that it has afterwards.
var lost = []struct {
	name string
	take func(t *testing.T, x *rights)
	left access.Role
}{
	{"removed", func(t *testing.T, x *rights) { testkit.Must(t, x.home.Authority.Users.Remove("eve")) }, access.Nobody},
	{
		"demoted",
		func(t *testing.T, x *rights) { testkit.Must(t, x.home.Authority.Users.SetRole("eve", access.Viewer)) },
		access.Viewer,
	},
	{"password changed", func(t *testing.T, x *rights) { x.write(t, "bea", "eve") }, access.Nobody},
	{"added again", func(t *testing.T, x *rights) {
		testkit.Must(t, x.home.Authority.Users.Remove("eve"))
		x.write(t, "eve", "bea")
	}, access.Nobody},
	{"logged out", func(t *testing.T, x *rights) { x.home.request(t, "POST", "/logout", "", x.eve) }, access.Nobody},
	{"ended by an admin", func(t *testing.T, x *rights) {
		for _, g := range x.home.Authority.Grants.List(access.Login, time.Now()) {
			if g.User == "eve" {
				x.home.request(t, "DELETE", "/logins/"+g.ID, "", bearer)
			}
		}
	}, access.Nobody},
	{
		"ended everywhere",
		func(t *testing.T, x *rights) { x.home.request(t, "DELETE", "/logins?user=eve", "", bearer) },
		access.Nobody,
	},
}

// everyLoss runs a test for each way, with the console of the node with the users, and with the other's.
func everyLoss(t *testing.T, run func(t *testing.T, x *rights, take func(), left access.Role)) {
	for _, way := range lost {
		for _, console := range []string{"here", "other node"} {
			t.Run(way.name+"/"+console, func(t *testing.T) {
				t.Parallel()
				x := newRights(t, console == "here")
				run(t, x, func() { way.take(t, x) }, way.left)
			})
		}
	}
}

// gone waits until a console knows that eve has lost her right: at once at home, after a lease elsewhere.
func (x *rights) gone(t *testing.T, left access.Role) {
	t.Helper()
	want := http.StatusUnauthorized
	if left != access.Nobody {
		want = http.StatusForbidden
	}
	x.console.eventuallyIs(t, want, "GET", "/tokens", x.eve)
}
