package access

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"convoy/internal/testkit"
)

// silentHomes are the users files of a node, and a user's role there while the user's home is unreachable.
var silentHomes = []struct {
	name  string
	users func(t *testing.T) *Users
	asked bool // before the node becomes unreachable
	want  Role
}{
	{"never asked", func(*testing.T) *Users { return nil }, false, Admin},
	{"last answer", func(*testing.T) *Users { return nil }, true, Operator},
	{"a missing file", usersFile("missing"), true, Operator},
	{"an empty file", emptyFile(), true, Nobody},
	{"a file with another user of that name", emptyFile("ann"), false, Nobody},
}

func usersFile(name string) func(t *testing.T) *Users {
	return func(t *testing.T) *Users {
		users, err := OpenUsers(filepath.Join(t.TempDir(), name), nil)
		testkit.Must(t, err)
		return users
	}
}

// emptyFile creates a users file, and adds viewers to it.
func emptyFile(names ...string) func(t *testing.T) *Users {
	return func(t *testing.T) *Users {
		users := usersFile("own")(t)
		testkit.Must(t, users.update(func() error { return nil }))
		for _, name := range names {
			testkit.Must(t, users.Add(name, name+"'s password", Viewer))
		}
		return users
	}
}

// While a node is unreachable, the other node's own file decides, else the last answer, else the signed role. When it
// is back, it decides.
func TestAuthority_SilentHome(t *testing.T) {
	t.Parallel()
	for _, test := range silentHomes {
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

// With the same file on two nodes, one decides while the other is unreachable.
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
			t.Errorf("notified of %v", role)
		}
	})
}

// A node that hangs delays its own users by at most one query each lease, and other users not at all.
func TestAuthority_HangingHome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.stop()
		c.wires.set("convoy@hangs.test", hangs)
		var slow []Identity
		for i := range 20 {
			slow = append(slow, Identity{User: fmt.Sprintf("openid:user%d", i), Role: Admin, Home: "convoy@hangs.test"})
			t.Cleanup(c.far.Watch(slow[i], Admin, func(role Role) { t.Errorf("%v for a user whose home hangs", role) }))
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
		time.Sleep(leaseTTL) // Role queries, not Run
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

// merged gives a node a grant.
func (a *Authority) merged(t *testing.T) {
	_, err := a.Grants.Merge([]Grant{loginOf("another", "bob", time.Now())}, time.Now())
	testkit.Must(t, err)
	a.Recheck()
}

// A caller that gives up leaves no guess in the cache.
func TestAuthority_CanceledQuery(t *testing.T) {
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

// The answer to an earlier query does not replace that to a later one.
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

// The number of leases is bounded, and those that lower a role are kept longest.
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

// Without watches nodes are not queried; with watches each node is queried once an interval, for all of them.
func TestAuthority_FewQueries(t *testing.T) {
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
		synctest.Wait() // for an answer in progress
		before := c.wires.asked(homeName)
		time.Sleep(time.Hour)
		if n := c.wires.asked(homeName); n != before {
			t.Errorf("asked %d times while nothing is open", n-before)
		}
		told := make(chan Role, 1)
		defer c.far.Watch(w, Admin, func(role Role) { told <- role })()
		testkit.Must(t, c.home.Users.Remove("ann"))
		if role := within(t, 5*time.Second, told); role != Nobody {
			t.Errorf("notified of %v with a new watch", role)
		}
	})
}

// Without watches, an answer is valid for one lease.
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
