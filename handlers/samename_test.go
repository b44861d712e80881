package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"convoy/access"
	"convoy/pty"
)

// Two people of one name, each in the file of another node, neither see nor end each other's logins.
func TestRights_SameNameOnTwoNodes(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	for _, n := range []*testNode{a, b} {
		withOnly(t, n, map[string]access.Role{"vic": access.Operator})
	}
	_, atA := a.logInAs(t, "name", "vic", "password", "vic's password")
	_, atB := b.logInAs(t, "name", "vic", "password", "vic's password")
	var ofA string
	for _, one := range a.logins(t, atA) {
		if one.Current {
			ofA = one.ID
		}
	}
	b.eventuallyIs(t, http.StatusOK, "GET", "/nodes", atB)
	if list := b.logins(t, atB); len(list) != 1 || !list[0].Current {
		t.Errorf("vic of b sees %+v", list)
	}
	if answer := b.request(t, "DELETE", "/logins/"+ofA, "", atB); answer.StatusCode != http.StatusNotFound {
		t.Errorf("vic of b ends a login of the other: %s", answer.Status)
	}
	if answer := b.request(t, "DELETE", "/logins", "", atB); answer.StatusCode != http.StatusNoContent {
		t.Errorf("vic of b logs out everywhere: %s", answer.Status)
	}
	b.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", atB)
	if answer := a.request(t, "GET", "/nodes", "", atA); answer.StatusCode != http.StatusOK {
		t.Errorf("vic of a: %s", answer.Status)
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

// A Convoy shell of somebody who was removed does not act for another person of that name who types in it.
func TestActFor_AnotherPersonOfThatName(t *testing.T) {
	t.Parallel()
	n := startTable(t, self, alone{}, pty.Config{
		Programs: []pty.Program{{Kind: "convoy", Args: []string{"/bin/cat"}}},
		Max:      1,
	})
	old := access.Who{User: "eve", Role: access.Operator, Home: self, Generation: "old", Grant: "one"}
	s, err := n.Shells.OpenAt(pty.Place{Right: old.String()}, pty.Size{Rows: 24, Cols: 80})
	must(t, err)
	typing := session{Who: old, Role: access.Operator}
	typing.Grant, typing.Generation = "two", "new"
	if actFor(s, typing); s.Right() != old.String() {
		t.Errorf("the shell acts for %s", s.Right())
	}
	typing.Generation = "old"
	if actFor(s, typing); !strings.Contains(s.Right(), `"grant":"two"`) {
		t.Errorf("the shell does not act for its opener's next login: %s", s.Right())
	}
}
