package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/fleet"
	"convoy/internal/testkit"
	"convoy/templates"
)

// twoNodes are nodes that know and reach each other.
func twoNodes(t *testing.T) (a, b *testNode) {
	t.Helper()
	to := map[string]string{}
	nodes := []*testNode{
		startNamed(t, self, wire{to: to}, 0, "/bin/cat"),
		startNamed(t, owner, wire{to: to}, 0, "/bin/cat"),
	}
	for _, n := range nodes {
		peers := httptest.NewServer(n.Peer())
		t.Cleanup(peers.Close)
		t.Cleanup(n.Close) // before it: open requests end
		to[n.Self] = strings.TrimPrefix(peers.URL, "http://")
	}
	now := time.Now()
	for _, n := range nodes {
		n.Fleet.SetMembers([]fleet.Member{
			{Name: self, Instance: "one", State: fleet.MemberAlive, Self: n.Self == self, Started: now, Seen: now},
			{Name: owner, Instance: "two", State: fleet.MemberAlive, Self: n.Self == owner, Started: now, Seen: now},
		})
	}
	return nodes[0], nodes[1]
}

// eventuallyIs asks until the answer has a status.
func (n *testNode) eventuallyIs(t *testing.T, want int, method, path string, headers ...string) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprintf("%s %s is %d", method, path, want), func() bool {
		answer, err := n.try(t, method, path, "", headers...)
		return err == nil && answer.StatusCode == want
	})
}

func (n *testNode) logins(t *testing.T, cookie string) (list []templates.Grant) {
	t.Helper()
	testkit.Must(t, json.NewDecoder(n.request(t, "GET", "/logins", "", cookie).Body).Decode(&list))
	return list
}

// A login that is ended on one node is ended on the others, and what it has open closes.
func TestLogins_EndEverywhere(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	withUsers(t, a)
	b.Authority.Users = a.Authority.Users
	_, olga := a.logInAs(t, "name", "olga", "password", "olga's password")
	_, again := b.logInAs(t, "name", "olga", "password", "olga's password")
	_, ann := a.logInAs(t, "name", "ann", "password", "ann's password")
	b.eventuallyIs(t, http.StatusOK, "GET", "/nodes", olga)
	testkit.Eventually(
		t, "all logins are listed", func() bool { return len(a.logins(t, ann)) == 3 && len(b.logins(t, olga)) == 2 },
	)
	stream := b.request(t, "GET", "/stream?viewer=viewer-of-the-logins", "", olga)
	var current string
	for _, one := range a.logins(t, olga) {
		if one.Current {
			current = one.ID
		}
	}
	if answer := a.request(t, "DELETE", "/logins/"+current, "", ann); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("ann ends olga's login: %s", answer.Status)
	}
	io.Copy(io.Discard, stream.Body) //nolint:errcheck // which ends, in the middle
	b.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", olga)
	if answer := b.request(t, "GET", "/nodes", "", again); answer.StatusCode != http.StatusOK {
		t.Errorf("olga's other login: %s", answer.Status)
	}
	if answer := a.request(
		t, "DELETE", "/logins/"+a.logins(t, ann)[0].ID, "", again,
	); answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusNoContent {
		t.Errorf("olga ends a login: %s", answer.Status)
	}
	if answer := a.request(t, "DELETE", "/logins?user=ann", "", again); answer.StatusCode != http.StatusForbidden {
		t.Errorf("olga logs ann out: %s", answer.Status)
	}
	_, third := a.logInAs(t, "name", "olga", "password", "olga's password")
	if answer := b.request(t, "DELETE", "/logins", "", third); answer.StatusCode != http.StatusNoContent {
		t.Errorf("olga logs out everywhere: %s", answer.Status)
	}
	a.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", third)
	a.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", again)
	if answer := a.request(t, "GET", "/nodes", "", ann); answer.StatusCode != http.StatusOK {
		t.Errorf("ann's login: %s", answer.Status)
	}
	if answer := a.request(t, "POST", "/logout", "", ann); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("ann logs out: %s", answer.Status)
	}
	b.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", ann)
}

// An API token does what its role may, on all nodes, until it is ended or its user has less power.
func TestTokens(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	withOnly(t, a, map[string]access.Role{"ann": access.Admin, "bea": access.Admin})
	b.Authority.Users = a.Authority.Users
	_, ann := a.logInAs(t, "name", "ann", "password", "ann's password")
	make := func(body string) (made grant, status int) {
		answer := a.request(t, "POST", "/tokens", body, ann)
		if answer.StatusCode == http.StatusCreated {
			testkit.Must(t, json.NewDecoder(answer.Body).Decode(&made))
		}
		return made, answer.StatusCode
	}
	for body, want := range map[string]int{`{"name":"No"}`: 400, `{"name":"x","role":"king"}`: 400,
		`{"name":"x","days":0}`: 400, `{"name":"x","days":9999}`: 400, `{`: 400, `{"name":""}`: 400} {
		if _, status := make(body); status != want {
			t.Errorf("%s: %d, want %d", body, status, want)
		}
	}
	made, status := make(`{"name":"ci","role":"operator","days":7}`)
	if status != http.StatusCreated || !strings.HasPrefix(made.Token, access.TokenPrefix) ||
		made.Role != access.Operator || time.Until(made.Expires) > 8*24*time.Hour {
		t.Fatalf("%d, %+v", status, made)
	}
	if _, status := make(`{"name":"ci"}`); status != http.StatusConflict {
		t.Errorf("the same name again: %d", status)
	}
	bearer := "Authorization: Bearer " + made.Token
	b.eventuallyIs(t, http.StatusOK, "GET", "/nodes", bearer)
	for path, want := range map[string]int{"GET /logins": 200, "GET /tokens": 403, "POST /nodes": 503, "GET /audit": 403} {
		method, path, _ := strings.Cut(path, " ")
		if answer := b.request(t, method, path, "", bearer); answer.StatusCode != want {
			t.Errorf("%s %s by the token: %s, want %d", method, path, answer.Status, want)
		}
	}
	text := readAll(t, a.request(t, "GET", "/tokens", "", ann))
	if strings.Contains(text, made.Token) || !strings.Contains(text, `"ci"`) {
		t.Errorf("listed: %s", text)
	}
	testkit.Must(t, a.Authority.Users.SetRole("ann", access.Viewer))
	if answer := b.request(t, "POST", "/nodes", "", bearer); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a viewer's token spawns: %s", answer.Status)
	}
	testkit.Must(t, a.Authority.Users.SetRole("ann", access.Admin))
	if answer := a.request(t, "DELETE", "/tokens/"+made.ID, "", ann); answer.StatusCode != http.StatusNoContent {
		t.Errorf("ended: %s", answer.Status)
	}
	b.eventuallyIs(t, http.StatusUnauthorized, "GET", "/nodes", bearer)
}

// A node that comes later learns what the others know before anybody asks it.
func TestShareGrants(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	text, token := access.NewToken(
		"ci", access.Identity{User: "openid:ann", Role: access.Viewer, Home: b.Self}, time.Now().UTC(),
		time.Now().Add(time.Hour).UTC(),
	)
	_, err := a.Authority.Grants.Merge([]access.Grant{token}, time.Now()) // which tells nobody
	testkit.Must(t, err)
	_, other := access.NewToken(
		"other", access.Identity{User: "openid:ann", Role: access.Viewer, Home: b.Self}, time.Now().UTC(),
		time.Now().Add(time.Hour).UTC(),
	)
	_, err = b.Authority.Grants.Merge([]access.Grant{other}, time.Now())
	testkit.Must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.ShareGrants(ctx)
	}()
	b.eventuallyIs(t, http.StatusOK, "GET", "/nodes", "Authorization: Bearer "+text)
	testkit.Eventually(t, "they agree", func() bool { return a.Authority.Grants.Digest() == b.Authority.Grants.Digest() })
	cancel()
	<-done
}

// A token that a new password has ended does not block its name, and neither does another user's.
func TestTokens_NamesAreOnesOwn(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	make := func(user string) {
		t.Helper()
		_, cookie := n.logInAs(t, "name", user, "password", user+"'s password")
		for _, want := range []int{http.StatusCreated, http.StatusConflict} {
			answer := n.request(
				t, "POST", "/tokens", `{"name":"ci","role":"viewer","days":1}`, cookie, "Content-Type: application/json",
			)
			if answer.StatusCode != want {
				t.Errorf("%s makes one: %s, want %d", user, answer.Status, want)
			}
		}
		var list []templates.Grant
		testkit.Must(t, json.NewDecoder(n.request(t, "GET", "/tokens", "", cookie).Body).Decode(&list))
		own := slices.DeleteFunc(list, func(g templates.Grant) bool { return g.User != user })
		if len(own) != 1 || own[0].Name != "ci" {
			t.Errorf("%s has %+v", user, own)
		}
	}
	for range 2 { // each time with another hash
		withOnly(t, n, map[string]access.Role{"ann": access.Admin, "bea": access.Admin})
		make("ann")
		make("bea")
	}
}
