package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"convoy/internal/testkit"
)

const (
	homeName = "convoy@home.test"
	farName  = "convoy@far.test"
)

// wires are the ways to other nodes: each answers, is silent, or takes its time.
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

// cluster is a node with a file of users, and another without one. Both run.
type cluster struct {
	t         *testing.T
	home, far *Authority
	wires     *wires
	stop      func()
}

// newCluster makes one, in a bubble. Its file has the admins ann and bea, and olga, who is an operator.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	users, err := OpenUsers(filepath.Join(t.TempDir(), "users"))
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

// login is a login of somebody at home, which lasts two hours.
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

// token is who shows an API token of ann's, with the role of an admin, that lasts an hour.
func (c *cluster) token() Identity {
	_, g := NewToken("ci", c.home.NewIdentity("ann", Admin), time.Now().UTC(), time.Now().UTC().Add(time.Hour))
	c.merge(g)
	return g.Identity()
}

// merge has both nodes hear of a grant, as handlers has them.
func (c *cluster) merge(g Grant) {
	c.t.Helper()
	for _, a := range []*Authority{c.home, c.far} {
		_, err := a.Grants.Merge([]Grant{g}, time.Now())
		testkit.Must(c.t, err)
		a.Recheck()
	}
}

// end ends a grant.
func (c *cluster) end(id string) {
	g, err := c.home.Grants.Get(id)
	testkit.Must(c.t, err)
	g.Revoked = time.Now().UTC()
	c.merge(g)
}

// opened has somebody have something open, and returns what it is told of.
func opened(t *testing.T, a *Authority, w Identity) <-chan Role {
	t.Helper()
	role := a.Role(t.Context(), w)
	if role == Nobody {
		t.Fatalf("%s is nobody at the beginning", w.User)
	}
	told := make(chan Role, 10)
	t.Cleanup(a.Watch(w, role, func(now Role) { told <- now }))
	return told
}

// within is the next role that is told, and fails if it takes longer.
func within(t *testing.T, limit time.Duration, told <-chan Role) Role {
	t.Helper()
	select {
	case role := <-told:
		return role
	case <-time.After(limit):
		t.Errorf("nothing is told within %v", limit)
		return -1
	}
}

// rightChanges are the ways in which what somebody may do changes.
var rightChanges = []struct {
	name   string
	who    func(c *cluster) Identity
	change func(c *cluster)
	want   Role
}{
	{"removed", ann, func(c *cluster) { testkit.Must(c.t, c.home.Users.Remove("ann")) }, Nobody},
	{"demoted", ann, func(c *cluster) { testkit.Must(c.t, c.home.Users.SetRole("ann", Viewer)) }, Viewer},
	{
		"promoted",
		func(c *cluster) Identity { return c.login("olga", Operator) },
		func(c *cluster) { testkit.Must(c.t, c.home.Users.SetRole("olga", Admin)) },
		Admin,
	},
	{
		"password changed",
		ann,
		func(c *cluster) { testkit.Must(c.t, c.home.Users.SetPassword("ann", "another password")) },
		Nobody,
	},
	{"added again with another password", ann, addedAgain("another password"), Nobody},
	{"added again as before", ann, addedAgain("ann's password"), Nobody},
	{"token's user removed", (*cluster).token, func(c *cluster) { testkit.Must(c.t, c.home.Users.Remove("ann")) }, Nobody},
	{
		"token's user demoted",
		(*cluster).token,
		func(c *cluster) { testkit.Must(c.t, c.home.Users.SetRole("ann", Viewer)) },
		Viewer,
	},
	{"token ended", (*cluster).token, func(c *cluster) { c.end(c.home.Grants.List(Token, time.Now())[0].ID) }, Nobody},
	{"token over", (*cluster).token, func(*cluster) { time.Sleep(time.Hour) }, Nobody},
	{"login ended", ann, func(c *cluster) { c.end("login-of-ann") }, Nobody},
	{"login over", ann, func(*cluster) { time.Sleep(2 * time.Hour) }, Nobody},
	{
		"logged out everywhere",
		ann,
		func(c *cluster) { c.merge(NewRevocation("ann", "", time.Now().UTC(), time.Hour)) },
		Nobody,
	},
	{
		"another console token",
		func(c *cluster) Identity { return c.login(ConsoleToken, Admin) },
		func(c *cluster) { c.home.Token = "another" },
		Nobody,
	},
	{
		"another provider",
		func(c *cluster) Identity { return c.login("openid:ann", Operator) },
		func(c *cluster) { c.home.OpenID = "another" },
		Nobody,
	},
}

func ann(c *cluster) Identity { return c.login("ann", Admin) }

func addedAgain(password string) func(c *cluster) {
	return func(c *cluster) {
		testkit.Must(c.t, c.home.Users.Remove("ann"))
		testkit.Must(c.t, c.home.Users.Add("ann", password, Admin))
	}
}

// Whatever changes what somebody may do is known where it changed at once, on other nodes when their lease is over, and
// by what is open on both soon after.
func TestAuthority_Changes(t *testing.T) {
	t.Parallel()
	for _, test := range rightChanges {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				defer c.stop()
				w := test.who(c)
				here, there := opened(t, c.home, w), opened(t, c.far, w)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if len(here)+len(there) > 0 {
					t.Fatal("something is told while nothing changes")
				}
				test.change(c)
				if role := c.home.Role(t.Context(), w); role != test.want {
					t.Errorf("at home at once: %v, want %v", role, test.want)
				}
				changed := time.Now()
				if role := within(t, 2*time.Second, here); role != test.want {
					t.Errorf("told at home: %v, want %v", role, test.want)
				}
				if role := within(t, 5*time.Second-time.Since(changed), there); role != test.want {
					t.Errorf("told on the other node: %v, want %v", role, test.want)
				}
				time.Sleep(leaseTTL - min(leaseTTL, time.Since(changed)))
				if role := c.far.Role(t.Context(), w); role != test.want {
					t.Errorf("on the other node after a lease: %v, want %v", role, test.want)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if len(here)+len(there) > 0 {
					t.Error("it is told again")
				}
			})
		})
	}
}

// A change between the decision and the hold is told, too.
func TestAuthority_ChangeBeforeHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		w := ann(c)
		for _, a := range []*Authority{c.home, c.far} {
			if role := a.Role(t.Context(), w); role != Admin {
				t.Fatal(role)
			}
		}
		testkit.Must(t, c.home.Users.Remove("ann"))
		for _, a := range []*Authority{c.home, c.far} {
			ctx, release := a.WithRole(t.Context(), w, Admin)
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Second):
				t.Errorf("on %s it goes on", a.Self)
			}
			release()
		}
	})
}

// Who is removed between the check of the password and the beginning of the login has no login that holds.
func TestAuthority_RemovedWhileLoggingIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		testkit.Must(t, c.home.Users.Remove("ann"))
		for name, w := range map[string]Identity{"removed": c.home.NewIdentity("ann", Admin),
			"no file": c.far.NewIdentity("ann", Admin),
			"no home": {User: "ann", Role: Admin}} {
			for _, a := range []*Authority{c.home, c.far} {
				if role := a.Role(t.Context(), w); role != Nobody {
					t.Errorf("%s: %v on %s", name, role, a.Self)
				}
			}
		}
	})
}

// A5: the last user's going leaves a file without users, and that is not the same as a node that has no such file.
func TestAuthority_EmptyFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		w := c.login("olga", Operator)
		testkit.Must(t, c.home.Users.SetRole("olga", Viewer))
		testkit.Must(t, c.home.Users.update(func() error { c.home.Users.lines = nil; return nil }))
		if !c.home.Users.Empty() || !c.home.Users.Exists() {
			t.Fatal("the file has to be there, without users")
		}
		for _, a := range []*Authority{c.home, c.far} {
			if role := a.Role(t.Context(), w); role != Nobody {
				t.Errorf("%v on %s", role, a.Self)
			}
		}
	})
}

// While a node is silent, the asking node's own file decides, else what was said last, else what was signed. When it
// speaks again, it decides.
func TestAuthority_SilentHome(t *testing.T) {
	t.Parallel()
	own := func(lines ...string) func(t *testing.T) *Users {
		return func(t *testing.T) *Users {
			users, err := OpenUsers(filepath.Join(t.TempDir(), "own"))
			testkit.Must(t, err)
			testkit.Must(t, users.update(func() error { return nil })) // it is there, and empty
			for _, name := range lines {
				testkit.Must(t, users.Add(name, name+"'s password", Viewer))
			}
			return users
		}
	}
	none := func(*testing.T) *Users { return nil }
	missing := func(t *testing.T) *Users {
		users, err := OpenUsers(filepath.Join(t.TempDir(), "missing"))
		testkit.Must(t, err)
		return users
	}
	for _, test := range []struct {
		name  string
		users func(t *testing.T) *Users
		asked bool // before it falls silent
		want  Role
	}{
		{"never asked", none, false, Admin},
		{"said last", none, true, Operator},
		{"a file that is missing", missing, true, Operator},
		{"an empty file", own(), true, Nobody},
		{"a file with another of that name", own("ann"), false, Nobody},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				defer c.stop()
				c.far.Users = test.users(t)
				w := ann(c)
				testkit.Must(t, c.home.Users.SetRole("ann", Operator))
				if test.asked {
					if role := c.far.Role(t.Context(), w); role != Operator {
						t.Fatalf("while it answers: %v", role)
					}
				}
				c.wires.set(homeName, nil)
				time.Sleep(leaseTTL)
				for range 3 {
					if role := c.far.Role(t.Context(), w); role != test.want {
						t.Errorf("while it is silent: %v, want %v", role, test.want)
					}
					time.Sleep(leaseTTL / 2)
				}
				c.wires.set(homeName, answers(c.home))
				time.Sleep(leaseTTL)
				if role := c.far.Role(t.Context(), w); role != Operator {
					t.Errorf("when it speaks again: %v", role)
				}
			})
		})
	}
}

// The same file on two nodes decides on one while the other is silent.
func TestAuthority_SameFileWhileSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		c.far.Users = c.home.Users
		w := ann(c)
		told := opened(t, c.far, w)
		c.wires.set(homeName, hangs)
		testkit.Must(t, c.far.Users.SetRole("ann", Viewer))
		if role := within(t, 5*time.Second, told); role != Viewer {
			t.Errorf("told %v", role)
		}
	})
}

// A node that hangs costs those whom it let in at most the time of one question each lease, and the others nothing.
func TestAuthority_HangingHome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		c.wires.set("convoy@hangs.test", hangs)
		var slow []Identity
		for i := range 20 {
			slow = append(slow, Identity{User: fmt.Sprintf("openid:user%d", i), Role: Admin, Home: "convoy@hangs.test"})
			t.Cleanup(c.far.Watch(slow[i], Admin, func(role Role) { t.Errorf("told %v of who is at a node that hangs", role) }))
			t.Cleanup(c.home.Watch(slow[i], Admin, func(Role) {}))
		}
		w := ann(c)
		here, there := opened(t, c.home, w), opened(t, c.far, w)
		time.Sleep(10 * time.Second)
		testkit.Must(t, c.home.Users.SetRole("ann", Viewer))
		began := time.Now()
		within(t, 2*time.Second, here)
		within(t, 5*time.Second-time.Since(began), there)
		time.Sleep(leaseTTL)
		began = time.Now()
		c.far.Role(t.Context(), w)
		if took := time.Since(began); took != 0 {
			t.Errorf("the question about another waits for %v", took)
		}
		time.Sleep(leaseTTL) // asked by Role, not by Run
		began = time.Now()
		for _, w := range slow {
			if role := c.far.Role(t.Context(), w); role != Admin {
				t.Errorf("%v", role)
			}
		}
		if took := time.Since(began); took > queryTimeout {
			t.Errorf("questions about 20 of a node that hangs take %v", took)
		}
		began = time.Now()
		c.far.merged(t)
		if took := time.Since(began); took != 0 {
			t.Errorf("a change of grants waits for %v", took)
		}
	})
}

// merged has a node hear of a grant.
func (a *Authority) merged(t *testing.T) {
	_, err := a.Grants.Merge([]Grant{loginOf("another", "bob", time.Now())}, time.Now())
	testkit.Must(t, err)
	a.Recheck()
}

// Who asks and goes away leaves no guess behind.
func TestAuthority_AskerGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		w := ann(c)
		testkit.Must(t, c.home.Users.Remove("ann"))
		c.wires.set(homeName, func(ctx context.Context, list []Identity) ([]Role, error) {
			select {
			case <-time.After(time.Second):
				return answers(c.home)(ctx, list)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if role := c.far.Role(ctx, w); role != Nobody {
			t.Errorf("who went away is %v", role)
		}
		if role := c.far.Role(t.Context(), w); role != Nobody {
			t.Errorf("the next is %v", role)
		}
	})
}

// An answer to an earlier question does not take the place of one to a later question.
func TestAuthority_AnswersOutOfOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		w := ann(c)
		c.wires.set(homeName, func(ctx context.Context, list []Identity) ([]Role, error) {
			roles, err := answers(c.home)(ctx, list)
			time.Sleep(1900 * time.Millisecond)
			return roles, err
		})
		late := make(chan struct{})
		go func() {
			defer close(late)
			c.far.Role(t.Context(), w)
		}()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		testkit.Must(t, c.home.Users.Remove("ann"))
		c.wires.set(homeName, answers(c.home))
		if role := c.far.Role(t.Context(), w); role != Nobody {
			t.Fatal(role)
		}
		<-late
		if role := c.far.Role(t.Context(), w); role != Nobody {
			t.Errorf("%v, by an answer that is older than another", role)
		}
	})
}

// What is kept of other nodes' answers is bounded, and a role that was taken away is kept longer than others.
func TestAuthority_LeasesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		w := ann(c)
		testkit.Must(t, c.home.Users.SetRole("ann", Viewer))
		c.far.Role(t.Context(), w)
		for i := range 2 * maxLeases {
			c.far.Role(
				t.Context(),
				Identity{User: "openid:ann", Role: Admin, Home: homeName, Generation: "the first provider", Grant: fmt.Sprint(i)},
			)
			if n := len(c.far.leases); n > maxLeases {
				t.Fatalf("%d answers are kept", n)
			}
		}
		c.wires.set(homeName, nil)
		time.Sleep(leaseTTL)
		if role := c.far.Role(t.Context(), w); role != Viewer {
			t.Errorf("whose role was taken away is %v", role)
		}
		for i := range 2 * maxLeases {
			c.far.Role(t.Context(), Identity{User: "openid:ann", Role: Admin, Home: fmt.Sprintf("convoy@%d.test", i)})
		}
		if n := len(c.far.unreachable); n > maxLeases {
			t.Errorf("%d silent nodes are kept", n)
		}
	})
}

// While nothing is open nobody is asked; while something is, each node is asked once a look, for all at once.
func TestAuthority_AsksLittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		w := ann(c)
		var stops []func()
		for i := range 100 {
			w.Grant = fmt.Sprint(i)
			stops = append(stops, c.far.Watch(w, Admin, func(Role) {}))
		}
		time.Sleep(time.Minute)
		if n := c.wires.asked(homeName); n < 20 || n > 61 {
			t.Errorf("asked %d times in a minute for 100", n)
		}
		for _, stop := range stops {
			stop()
		}
		synctest.Wait() // for an answer that was under way
		before := c.wires.asked(homeName)
		time.Sleep(time.Hour)
		if n := c.wires.asked(homeName); n != before {
			t.Errorf("asked %d times while nothing is open", n-before)
		}
		told := make(chan Role, 1)
		defer c.far.Watch(w, Admin, func(role Role) { told <- role })()
		testkit.Must(t, c.home.Users.Remove("ann"))
		if role := within(t, 5*time.Second, told); role != Nobody {
			t.Errorf("told %v when something is open again", role)
		}
	})
}

// While nothing is open, an answer of another node counts for one lease.
func TestAuthority_LeaseEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		w := ann(c)
		c.far.Role(t.Context(), w)
		for range 10 {
			c.far.Role(t.Context(), w)
		}
		if n := c.wires.asked(homeName); n != 1 {
			t.Errorf("asked %d times within a lease", n)
		}
		testkit.Must(t, c.home.Users.Remove("ann"))
		time.Sleep(leaseTTL)
		if role := c.far.Role(t.Context(), w); role != Nobody {
			t.Errorf("%v after a lease", role)
		}
	})
}
