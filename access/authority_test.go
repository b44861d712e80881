package access

import (
	"testing"
	"testing/synctest"
	"time"

	"convoy/internal/testkit"
)

// rightChanges are the ways in which a user's role can change.
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

// A change is known at once where it happened, on other nodes when the lease expires, and to watchers on both soon
// after.
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
					t.Fatal("notified without a change")
				}
				test.change(c)
				if role := c.home.Role(t.Context(), w); role != test.want {
					t.Errorf("at home at once: %v, want %v", role, test.want)
				}
				changed := time.Now()
				if role := within(t, 2*time.Second, here); role != test.want {
					t.Errorf("notified at home: %v, want %v", role, test.want)
				}
				if role := within(t, 5*time.Second-time.Since(changed), there); role != test.want {
					t.Errorf("notified on the other node: %v, want %v", role, test.want)
				}
				time.Sleep(leaseTTL - min(leaseTTL, time.Since(changed)))
				if role := c.far.Role(t.Context(), w); role != test.want {
					t.Errorf("on the other node after a lease: %v, want %v", role, test.want)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if len(here)+len(there) > 0 {
					t.Error("notified again")
				}
			})
		})
	}
}

// A change between the decision and the watch is noticed.
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
				t.Errorf("on %s the context is still valid", a.Self)
			}
			release()
		}
	})
}

// A user who is removed between the password check and the login gets no valid login.
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

// A5: a users file without users differs from a missing one.
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
