package handlers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/internal/testkit"
	"convoy/pty"
	"convoy/templates"
)

// sameName are two people of one name, each in the file of another node, who are logged in there; ofA is the login at
// a.
func sameName(t *testing.T) (a, b *testNode, atA, atB, ofA string) {
	t.Helper()
	a, b = twoNodes(t)
	for _, n := range []*testNode{a, b} {
		withOnly(t, n, map[string]access.Role{"vic": access.Operator})
	}
	_, atA = a.logInAs(t, "name", "vic", "password", "vic's password")
	_, atB = b.logInAs(t, "name", "vic", "password", "vic's password")
	for _, one := range a.logins(t, atA) {
		if one.Current {
			ofA = one.ID
		}
	}
	b.eventuallyIs(t, http.StatusOK, "GET", "/nodes", atB)
	testkit.Eventually(t, "b hears of the login at a", func() bool { return len(b.ofName(t, "vic")) == 2 })
	return a, b, atA, atB, ofA
}

// ofName are the logins of a name that an admin sees.
func (n *testNode) ofName(t *testing.T, user string) (ids []string) {
	t.Helper()
	for _, one := range n.logins(t, bearer) {
		if one.User == user {
			ids = append(ids, one.ID)
		}
	}
	return ids
}

// Two people of one name neither see nor end each other's logins, whichever way they ask for all of their own to end.
func TestRights_SameNameOnTwoNodes(t *testing.T) {
	t.Parallel()
	for _, everywhere := range []string{"/logins", "/logins?user=vic"} {
		t.Run(everywhere, func(t *testing.T) {
			t.Parallel()
			a, b, atA, atB, ofA := sameName(t)
			if list := b.logins(t, atB); len(list) != 1 || !list[0].Current {
				t.Errorf("vic of b sees %+v", list)
			}
			if answer := b.request(t, "DELETE", "/logins/"+ofA, "", atB); answer.StatusCode != http.StatusNotFound {
				t.Errorf("vic of b ends a login of the other: %s", answer.Status)
			}
			if answer := b.request(t, "DELETE", everywhere, "", atB); answer.StatusCode != http.StatusNoContent {
				t.Errorf("vic of b logs out everywhere: %s", answer.Status)
			}
			b.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", atB)
			if answer := a.request(t, "GET", "/nodes", "", atA); answer.StatusCode != http.StatusOK {
				t.Errorf("vic of a: %s", answer.Status)
			}
			if ids := b.ofName(t, "vic"); len(ids) != 1 || ids[0] != ofA {
				t.Errorf("of that name are listed %v, want %s", ids, ofA)
			}
		})
	}
}

// An admin who ends the logins of a name ends those of all who have it.
func TestLogins_EndOfAName(t *testing.T) {
	t.Parallel()
	a, b, atA, atB, _ := sameName(t)
	if answer := a.request(t, "DELETE", "/logins?user=vic", "", bearer); answer.StatusCode != http.StatusNoContent {
		t.Errorf("the admin ends them: %s", answer.Status)
	}
	a.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", atA)
	b.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", atB)
}

// Logins and tokens of who was removed here, or has another password, are not listed; those of other nodes are.
func TestLogins_OfWhoIsGone(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	users := withOnly(t, n, map[string]access.Role{"ann": access.Admin, "bea": access.Admin, "vic": access.Viewer})
	cookies := map[string]string{}
	for _, name := range []string{"ann", "vic"} {
		_, cookies[name] = n.logInAs(t, "name", name, "password", name+"'s password")
	}
	if answer := n.request(
		t, "POST", "/tokens", `{"name":"ci"}`, cookies["ann"],
	); answer.StatusCode != http.StatusCreated {
		t.Fatalf("a token: %s", answer.Status)
	}
	away := access.Grant{
		ID:       "away",
		Kind:     access.Login,
		User:     "olga",
		Role:     access.Viewer,
		Home:     owner,
		Created:  now(),
		LastUsed: now(),
		Expires:  now().Add(time.Hour),
	}
	testkit.Must(t, n.sessions.Add(away))
	listed := func(path string) (users []string) {
		var list []templates.Grant
		testkit.Must(t, json.NewDecoder(n.request(t, "GET", path, "", bearer).Body).Decode(&list))
		for _, one := range list {
			users = append(users, one.User)
		}
		slices.Sort(users)
		return users
	}
	if logins, tokens := listed("/logins"), listed("/tokens"); !slices.Equal(logins, []string{"ann", "olga", "vic"}) ||
		!slices.Equal(tokens, []string{"ann"}) {
		t.Errorf("before: %v, %v", logins, tokens)
	}
	testkit.Must(t, n.Authority.Users.Remove("ann"))
	setPassword(t, users, "vic", "another password")
	if logins, tokens := listed("/logins"), listed("/tokens"); !slices.Equal(logins, []string{"olga"}) ||
		len(tokens) != 0 {
		t.Errorf("afterwards: %v, %v", logins, tokens)
	}
}

// A claim completes a login at the node where it began, and at no other: each node would accept it once.
func TestPageKey_ClaimAtOneNode(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	form := url.Values{"token": {token}}.Encode()
	answer := a.request(t, "POST", "/login", form, formType)
	cookie := "Cookie: " + answer.Cookies()[0].Name + "=" + answer.Cookies()[0].Value
	_, claim, _ := strings.Cut(answer.Header.Get("Location"), "claim=")
	for path, headers := range map[string][]string{
		"/session/plain": {cookie, formType},
		"/session/key":   {cookie, formType, "Convoy-Key: " + strings.Repeat("k", 43)},
	} {
		if answer := b.request(t, "POST", path, "claim="+claim, headers...); answer.StatusCode < 400 {
			t.Errorf("%s at another node: %s", path, answer.Status)
		}
	}
	a.plain(t, cookie, "?claim="+claim)
}

// A Convoy shell of a removed user does not act for a new user of that name who types in it.
func TestActFor_AnotherPersonOfThatName(t *testing.T) {
	t.Parallel()
	n := startTable(t, self, alone{}, pty.Config{
		Programs: []pty.Program{{Kind: "convoy", Args: []string{"/bin/cat"}}},
		Max:      1,
	})
	old := access.Identity{User: "eve", Role: access.Operator, Home: self, Generation: "old", Grant: "one"}
	s, err := n.Shells.OpenAt(pty.OpenOptions{Right: old.String()}, pty.Size{Rows: 24, Cols: 80})
	testkit.Must(t, err)
	typing := session.Session{Identity: old, Role: access.Operator}
	typing.Grant, typing.Generation = "two", "new"
	if session.ActFor(s, typing); s.Right() != old.String() {
		t.Errorf("the shell acts for %s", s.Right())
	}
	typing.User, typing.Generation = "olga", "old" // as users of one provider have the same
	if session.ActFor(s, typing); s.Right() != old.String() {
		t.Errorf("the shell acts for %s", s.Right())
	}
	typing.User = "eve"
	if session.ActFor(s, typing); !strings.Contains(s.Right(), `"grant":"two"`) {
		t.Errorf("the shell does not act for its opener's next login: %s", s.Right())
	}
}
