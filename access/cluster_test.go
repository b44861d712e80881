package access

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"convoy/internal/testkit"
)

const (
	homeName = "convoy@home.test"
	farName  = "convoy@far.test"
)

// wires are the connections to other nodes, which answer, fail or hang.
type wires struct {
	mu    sync.Mutex
	to    map[string]func(ctx context.Context, list []Identity) ([]Role, error)
	calls map[string]int
}

func (w *wires) Roles(ctx context.Context, node string, list []Identity) ([]Role, error) {
	w.mu.Lock()
	w.calls[node]++
	to := w.to[node]
	w.mu.Unlock()
	if to == nil {
		return nil, errors.New("no route")
	}
	return to(ctx, list)
}

func (w *wires) set(node string, to func(context.Context, []Identity) ([]Role, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to[node] = to
}

func (w *wires) asked(node string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[node]
}

func hangs(ctx context.Context, _ []Identity) ([]Role, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func answers(a *Authority) func(context.Context, []Identity) ([]Role, error) {
	return func(_ context.Context, list []Identity) (roles []Role, err error) {
		for _, w := range list {
			roles = append(roles, a.LocalRole(w))
		}
		return roles, nil
	}
}

// cluster is two running nodes: home has a users file, far has none.
type cluster struct {
	t         *testing.T
	home, far *Authority
	wires     *wires
	stop      func()
}

// newCluster starts a cluster in a synctest bubble. The users are the admins ann and bea, and the operator olga.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	users, err := OpenUsers(filepath.Join(t.TempDir(), "users"), nil)
	testkit.Must(t, err)
	testkit.Must(t, users.Add("ann", "ann's password", Admin))
	testkit.Must(t, users.Add("bea", "bea's password", Admin))
	testkit.Must(t, users.Add("olga", "olga's password", Operator))
	c := &cluster{
		t:     t,
		wires: &wires{to: map[string]func(context.Context, []Identity) ([]Role, error){}, calls: map[string]int{}},
	}
	node := func(name string, users *Users) *Authority {
		grants, err := OpenGrants("", false)
		testkit.Must(t, err)
		return NewAuthority(AuthorityConfig{
			Self:      name,
			Users:     users,
			Grants:    grants,
			HomeNodes: c.wires,
			Token:     "the first token",
			OpenID:    "the first provider",
			Log:       slog.New(slog.DiscardHandler),
		})
	}
	c.home, c.far = node(homeName, users), node(farName, nil)
	c.wires.set(homeName, answers(c.home))
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, a := range []*Authority{c.home, c.far} {
		group.Go(func() { a.Run(ctx) })
	}
	c.stop = func() { cancel(); group.Wait() }
	return c
}

// login logs a user in at home, for two hours.
func (c *cluster) login(user string, role Role) Identity {
	w := c.home.NewIdentity(user, role)
	w.Grant, w.Created, w.NotAfter = "login-of-"+user, time.Now().UTC(), time.Now().UTC().Add(2*time.Hour)
	c.merge(
		Grant{
			ID:         w.Grant,
			Kind:       Login,
			User:       user,
			Role:       role,
			Home:       w.Home,
			Generation: w.Generation,
			Created:    w.Created,
			LastUsed:   w.Created,
			Expires:    w.NotAfter,
		},
	)
	return w
}

// token creates an API token of ann's, with the role admin, for an hour.
func (c *cluster) token() Identity {
	_, g := NewToken("ci", c.home.NewIdentity("ann", Admin), time.Now().UTC(), time.Now().UTC().Add(time.Hour))
	c.merge(g)
	return g.Identity()
}

// merge gives both nodes a grant, as handlers do.
func (c *cluster) merge(g Grant) {
	c.t.Helper()
	for _, a := range []*Authority{c.home, c.far} {
		_, err := a.Grants.Merge([]Grant{g}, time.Now())
		testkit.Must(c.t, err)
		a.Recheck()
	}
}

// end revokes a grant.
func (c *cluster) end(id string) {
	g, err := c.home.Grants.Get(id)
	testkit.Must(c.t, err)
	g.Revoked = time.Now().UTC()
	c.merge(g)
}

// opened watches an identity, and returns the notifications.
func opened(t *testing.T, a *Authority, w Identity) <-chan Role {
	t.Helper()
	role := a.Role(t.Context(), w)
	if role == Nobody {
		t.Fatalf("%s has no role at the start", w.User)
	}
	told := make(chan Role, 10)
	t.Cleanup(a.Watch(w, role, func(now Role) { told <- now }))
	return told
}

// within returns the next notification, and fails if it takes longer.
func within(t *testing.T, limit time.Duration, told <-chan Role) Role {
	t.Helper()
	select {
	case role := <-told:
		return role
	case <-time.After(limit):
		t.Errorf("no notification within %v", limit)
		return -1
	}
}
