package handlers

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/handlers/share"
	"convoy/internal/testkit"
)

// A4: a user who is removed and added again with another password is another person: neither the old cookie nor the old
// API token works. A new password ends both, too.
func TestRights_A4_AnotherPersonOfTheSameName(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(x *rights){
		"added again": func(x *rights) {
			testkit.Must(t, x.home.Authority.Users.Remove("eve"))
			x.write(t, "eve", "bea")
		},
		"another password": func(x *rights) {
			testkit.Must(t, x.home.Authority.Users.SetPassword("eve", "another password"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newRights(t, true)
			var made grant
			testkit.Must(
				t, json.NewDecoder(x.home.request(t, "POST", "/tokens", `{"name":"ci","role":"admin"}`, x.eve).Body).Decode(&made),
			)
			byToken := "Authorization: Bearer " + made.Token
			x.other.eventuallyIs(t, http.StatusOK, "GET", "/tokens", byToken)
			change(x)
			for _, header := range []string{x.eve, byToken} {
				if answer := x.home.request(t, "GET", "/nodes", "", header); answer.StatusCode != http.StatusUnauthorized {
					t.Errorf("%.12s at home: %s", header, answer.Status)
				}
				x.other.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", header)
			}
		})
	}
}

// A5: when the last user of the file is removed, the role that they had at the login does not come back.
func TestRights_A5_TheLastUser(t *testing.T) {
	t.Parallel()
	x := newRights(t, true)
	x.write(t, "eve")
	_, cookie := x.home.logInAs(t, "name", "eve", "password", "eve's password")
	text, err := os.ReadFile(x.users)
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(x.users, []byte(strings.Replace(string(text), ":admin", ":viewer", 1)), 0o600))
	if answer := x.home.request(t, "POST", "/nodes", "", cookie); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer spawns: %s", answer.Status)
	}
	testkit.Must(t, x.home.Authority.Users.Remove("eve"))
	if answer := x.home.request(t, "POST", "/nodes", "", cookie); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("who was removed spawns: %s", answer.Status)
	}
	x.other.eventuallyIs(t, http.StatusUnauthorized, "POST", "/nodes", cookie)
}

// A6: users whose names look like the console token's logins see nothing of those, and end none.
func TestRights_A6_NamesOfTheTokensLogins(t *testing.T) {
	t.Parallel()
	x := newRights(t, true)
	x.write(t, "admin", "token", "console")
	text, err := os.ReadFile(x.users)
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(x.users, []byte(strings.ReplaceAll(string(text), ":admin\n", ":viewer\n")), 0o600))
	_, printed := x.home.logInAs(t, "token", token)
	var tokens string
	for _, one := range x.home.logins(t, printed) {
		if one.Current {
			tokens = one.ID
		}
	}
	for _, name := range []string{"admin", "token", "console"} {
		_, cookie := x.home.logInAs(t, "name", name, "password", name+"'s password")
		for _, one := range x.home.logins(t, cookie) {
			if one.User != name {
				t.Errorf("%s sees %+v", name, one)
			}
		}
		if answer := x.home.request(t, "DELETE", "/logins/"+tokens, "", cookie); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s ends it: %s", name, answer.Status)
		}
		x.home.request(t, "DELETE", "/logins", "", cookie)
	}
	if answer := x.home.request(t, "GET", "/tokens", "", printed); answer.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %s", answer.Status)
	}
	for _, name := range []string{access.ConsoleToken, "node:a.test", "openid:ann"} {
		if access.CheckName(name) == nil {
			t.Errorf("%s can be a user's name", name)
		}
	}
}

// A link ends although its maker lost the right between the look for the link and the hold.
func TestRights_LinkFoundJustBefore(t *testing.T) {
	t.Parallel()
	x := newRights(t, true)
	s, err := x.console.client(t).Open(testkit.Context(t), x.home.Self)
	testkit.Must(t, err)
	l, err := x.home.links.Add(
		share.Share{Node: x.home.Self, Shell: s.ID, Expires: time.Now().Add(time.Hour)}, "",
		x.home.Authority.NewIdentity("eve", access.Admin),
	)
	testkit.Must(t, err)
	if _, err := x.home.links.Find(t.Context(), s.ID, l.ID); err != nil {
		t.Fatal(err)
	}
	testkit.Must(t, x.home.Authority.Users.Remove("eve"))
	defer x.home.links.Watch(t.Context(), l)()
	if !l.Ended() {
		t.Error("it goes on")
	}
}

// Once the right is lost, nothing more is read or written, even if other code sets other deadlines. A released answer
// finishes.
func TestRights_NothingMore(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withOnly(t, n, map[string]access.Role{"eve": access.Admin, "bea": access.Admin})
	who := n.Authority.NewIdentity("eve", access.Admin)
	serve := func(handle http.HandlerFunc) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n.sessions.ServeAs(handle, w, r, &session.Session{Identity: who, Role: access.Admin})
		}))
		defer server.Close()
		answer, err := http.Post(server.URL, "text/plain", strings.NewReader("a body"))
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text)
	}
	lose := func() {
		testkit.Must(t, n.Authority.Users.SetRole("eve", access.Viewer))
		n.Authority.Recheck()
	}
	serve(func(w http.ResponseWriter, r *http.Request) {
		lose()
		<-r.Context().Done()
		control := http.NewResponseController(w)
		testkit.Must(t, control.SetReadDeadline(time.Now().Add(time.Minute)))
		testkit.Must(t, control.SetWriteDeadline(time.Now().Add(time.Minute)))
		if n, err := w.Write([]byte("more")); err != session.ErrRightLost {
			t.Errorf("written: %d, %v", n, err)
		}
		if n, err := r.Body.Read(make([]byte, 10)); err != session.ErrRightLost {
			t.Errorf("read: %d, %v", n, err)
		}
	})
	testkit.Must(t, n.Authority.Users.SetRole("eve", access.Admin))
	if text := serve(func(w http.ResponseWriter, r *http.Request) {
		session.Of(r).Release()
		lose()
		w.Write([]byte("answered")) //nolint:errcheck // the client says so
	}); text != "answered" {
		t.Errorf("who takes their own right away is answered %q", text)
	}
}

// A3: a link that is not in use ends with its creator too: its next use is refused.
func TestRights_A3_LinkOfWhoWasRemoved(t *testing.T) {
	t.Parallel()
	for _, console := range []string{"here", "other node"} {
		t.Run(console, func(t *testing.T) {
			t.Parallel()
			x := newRights(t, console == "here")
			s, err := x.console.client(t).Open(testkit.Context(t), x.console.Self)
			testkit.Must(t, err)
			var made struct{ URL string }
			testkit.Must(
				t, json.NewDecoder(x.console.request(t, "POST", s.Path()+"/links", `{"right":"type"}`, x.eve).Body).Decode(&made),
			)
			if answer := x.console.request(
				t, "POST", made.URL+"/input?viewer=viewer-of-the-link-1&n=0", "x",
			); answer.StatusCode != http.StatusNoContent {
				t.Fatalf("before: %s", answer.Status)
			}
			testkit.Must(t, x.home.Authority.Users.Remove("eve"))
			x.gone(t, access.Nobody)
			x.console.eventuallyIs(t, http.StatusGone, "GET", made.URL)
			if answer := x.console.request(
				t, "POST", made.URL+"/input?viewer=viewer-of-the-link-1&n=1", "x",
			); answer.StatusCode != http.StatusGone {
				t.Errorf("after: %s", answer.Status)
			}
		})
	}
}
