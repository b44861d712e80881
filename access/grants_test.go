package access

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"convoy/internal/testkit"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func loginOf(id, user string, made time.Time) Grant {
	return Grant{
		ID:       id,
		Kind:     Login,
		User:     user,
		Role:     Operator,
		Agent:    "Firefox on Linux",
		Created:  made,
		LastUsed: made,
		Expires:  made.Add(30 * 24 * time.Hour),
	}
}

func openGrants(t testing.TB, path string) *Grants {
	t.Helper()
	g, err := OpenGrants(path, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func TestGrants(t *testing.T) {
	t.Parallel()
	g := openGrants(t, filepath.Join(t.TempDir(), "access.db"))
	text, token := NewToken("ci", Identity{User: "ann", Role: Viewer}, noon, noon.Add(time.Hour))
	told := []Grant{
		token,
		loginOf("one", "ann", noon),
		loginOf("two", "ann", noon.Add(time.Second)),
		loginOf("three", "bob", noon),
	}
	if news, err := g.Merge(told, noon); err != nil || len(news) != 4 {
		t.Fatalf("%d news, %v", len(news), err)
	}
	if news, err := g.Merge(told, noon); err != nil || len(news) != 0 {
		t.Errorf("merged again: %d changed, %v", len(news), err)
	}
	if found, ok := g.FindToken(text, noon); !ok || found.Name != "ci" || found.Role != Viewer {
		t.Errorf("the token is %+v, %v", found, ok)
	}
	for _, wrong := range []string{"", text + "x", strings.ToLower(text), TokenPrefix} {
		if _, ok := g.FindToken(wrong, noon); ok {
			t.Errorf("%q is a token", wrong)
		}
	}
	if _, ok := g.FindToken(text, noon.Add(2*time.Hour)); ok {
		t.Error("the token holds when it is over")
	}
}

// Grants and revocations are kept in the file, tokens without their text, and logins only with the same cookie.
func TestGrants_Reopened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "access.db")
	g := openGrants(t, path)
	text, token := NewToken("ci", Identity{User: "ann", Role: Viewer}, noon, noon.Add(time.Hour))
	ended := loginOf("one", "ann", noon)
	ended.Revoked = noon.Add(time.Minute)
	_, err := g.Merge([]Grant{
		token,
		ended,
		loginOf("two", "ann", noon.Add(time.Second)),
		loginOf("three", "bob", noon),
		NewRevocation("bob", "", noon.Add(time.Minute), time.Hour),
	}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(written), text) {
		t.Errorf("the token's text is in the file, %v", err)
	}

	g = openGrants(t, path)
	for _, test := range []struct {
		id, user string
		made     time.Time
		ended    bool
	}{
		{"one", "ann", noon, true},
		{"two", "ann", noon, false},
		{"unknown", "ann", noon, false},
		{"three", "bob", noon, true},
		{"unknown", "bob", noon, true},
		{"later", "bob", noon.Add(2 * time.Minute), false},
		{token.ID, "bob", time.Time{}, false},
	} {
		if got := g.IsRevoked(Identity{Grant: test.id, User: test.user, Created: test.made}); got != test.ended {
			t.Errorf("%s of %s has ended: %v", test.id, test.user, got)
		}
	}
	if list := g.List(Login, noon); len(list) != 1 || list[0].ID != "two" {
		t.Errorf("listed: %+v", list)
	}
	if list := g.List(Token, noon); len(list) != 1 || list[0].ID != token.ID {
		t.Errorf("tokens: %+v", list)
	}
	g.Close()
	other, err := OpenGrants(path, false)
	if err != nil || len(other.All()) != 1 {
		t.Fatalf("with another cookie %d are left, %v", len(other.All()), err)
	}
	other.Close()
	if again := openGrants(t, path); len(again.All()) != 1 {
		t.Error("logins of another cookie come back")
	}
}

// Nodes that receive the same grants in any order, any number of times, agree in the end, and what was revoked once
// stays revoked.
func TestGrants_AgreeInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var told []Grant
		for i := range 12 {
			one := loginOf(fmt.Sprint("login ", i%5), fmt.Sprint("user ", i%5%2), noon)
			one.LastUsed = noon.Add(time.Duration(random.IntN(9)) * time.Minute)
			if random.IntN(3) == 0 {
				one.Revoked = noon.Add(time.Duration(random.IntN(9)) * time.Minute)
			}
			if random.IntN(4) == 0 {
				one = NewRevocation(one.User, "", one.LastUsed, time.Hour)
			}
			told = append(told, one)
		}
		a, b := openGrants(t, ""), openGrants(t, "")
		for i := range told {
			if _, err := a.Merge(told[i:i+1], noon); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			random.Shuffle(len(told), func(i, k int) { told[i], told[k] = told[k], told[i] })
			if _, err := b.Merge(told, noon); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(a.All(), b.All()) || a.Digest() != b.Digest() {
			t.Fatalf("seed %d: %+v\n%+v", seed, a.All(), b.All())
		}
		for _, one := range told {
			if one.Kind == Login && !one.Revoked.IsZero() &&
				!b.IsRevoked(Identity{Grant: one.ID, User: one.User, Created: one.Created}) {
				t.Fatalf("seed %d: %s holds again", seed, one.ID)
			}
		}
	}
}

// The number of grants is bounded, expired ones go, and revoked ones stay until they expire.
func TestGrants_Bounded(t *testing.T) {
	t.Parallel()
	g := openGrants(t, "")
	var many []Grant
	for i := range maxGrants {
		one := loginOf(fmt.Sprint("login ", i), "ann", noon.Add(time.Duration(i)*time.Second))
		if i < 10 {
			one.Revoked = one.Created
		}
		many = append(many, one)
	}
	later := noon.Add(24 * time.Hour)
	if _, err := g.Merge(many, later); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Merge([]Grant{loginOf("new", "ann", later)}, later); err != nil {
		t.Fatal(err)
	}
	if all := g.All(); len(all) != maxGrants || !g.IsRevoked(Identity{Grant: "login 3", User: "ann", Created: noon}) {
		t.Errorf("%d are kept", len(all))
	}
	if _, err := g.Get("login 10"); err == nil {
		t.Error("the one that was used longest ago is there")
	}
	if _, err := g.Merge(
		[]Grant{loginOf("next", "ann", noon.Add(40*24*time.Hour))}, noon.Add(40*24*time.Hour),
	); err != nil || len(g.All()) != 1 {
		t.Errorf("%d are kept when all are over, %v", len(g.All()), err)
	}
	for _, bad := range []Grant{{}, {ID: "x"}, {ID: "x", Kind: "other"}, {ID: "x", Kind: Token},
		loginOf(strings.Repeat("x", 300), "ann", noon), loginOf("x", "a\x1b[31m", noon)} {
		if _, err := g.Merge([]Grant{bad}, noon); err == nil {
			t.Errorf("%+v is taken over", bad)
		}
	}
}

// Of too many logins, those that a revocation covers anyway go first, but only those of its user.
func TestGrants_EvictsRevokedFirst(t *testing.T) {
	t.Parallel()
	g := openGrants(t, "")
	cut := noon.Add(maxGrants * time.Second)
	many := []Grant{NewRevocation("ann", "ann's", cut, time.Hour)}
	for i := range maxGrants - 1 {
		one := loginOf(fmt.Sprint("login ", i), "ann", noon.Add(time.Duration(i)*time.Second))
		if one.Generation = "another's"; i == maxGrants-2 {
			one.Generation = "ann's"
		}
		many = append(many, one)
	}
	_, err := g.Merge(many, noon)
	testkit.Must(t, err)
	_, err = g.Merge([]Grant{loginOf("new", "bob", cut)}, noon)
	testkit.Must(t, err)
	if _, err := g.Get("login 0"); err != nil {
		t.Errorf("the oldest login of another ann: %v", err)
	}
	if _, err := g.Get(fmt.Sprint("login ", maxGrants-2)); err == nil {
		t.Error("a login that a cut covers is kept")
	}
}

// mergeForever is a process that merges until it is killed, and prints what is safely on disk.
func mergeForever(path string) {
	g, err := OpenGrants(path, true)
	for n := len(g.All()); err == nil; n++ {
		one := loginOf(fmt.Sprint("login ", n), "ann", noon)
		if n%3 == 0 {
			one.Revoked = noon
		}
		if _, err = g.Merge([]Grant{one}, noon); err == nil {
			fmt.Println(one.ID)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A writing process is killed repeatedly at random moments: everything that it reported as safe is there.
func TestGrants_Killed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "access.db")
	var acked []string
	for range 15 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ACCESS_MERGES="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in, after := bufio.NewScanner(out), 1+rand.IntN(40)
		for n := 0; in.Scan(); n++ {
			acked = append(acked, in.Text())
			if n == after {
				cmd.Process.Kill()
			}
		}
		cmd.Wait() //nolint:errcheck // it was killed
		g := openGrants(t, path)
		for i, id := range acked {
			one, err := g.Get(id)
			if err != nil || one.Revoked.IsZero() != (i%3 != 0) && id == fmt.Sprint("login ", i) {
				t.Fatalf("%s was reported as safe: %+v, %v", id, one, err)
			}
		}
		g.Close()
	}
	t.Logf("%d were acknowledged", len(acked))
}

// A grant from another node is accepted as a whole, or not at all.
func FuzzGrants(f *testing.F) {
	text, _ := json.Marshal([]Grant{loginOf("one", "ann", noon), NewRevocation("ann", "", noon, time.Hour)})
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var told []Grant
		if json.Unmarshal(text, &told) != nil {
			return
		}
		g := openGrants(t, "")
		news, err := g.Merge(told, noon)
		if err != nil && len(g.All()) > 0 || len(g.All()) > len(told) || len(news) > len(told) {
			t.Errorf("%d of %d, %v", len(g.All()), len(told), err)
		}
		for _, one := range g.All() {
			if one.check() != nil || noon.After(one.Expires) {
				t.Errorf("%+v", one)
			}
		}
	})
}

// A revocation counts even if it cannot be written; a login that cannot be written does not.
func TestGrants_Unwritten(t *testing.T) {
	t.Parallel()
	g := openGrants(t, filepath.Join(t.TempDir(), "access.db"))
	one, two := loginOf("one", "ann", noon), loginOf("two", "bob", noon)
	if _, err := g.Merge([]Grant{one, two}, noon); err != nil {
		t.Fatal(err)
	}
	if err := g.db.Close(); err != nil { // like a full disk
		t.Fatal(err)
	}
	one.Revoked = noon.Add(time.Minute)
	news, err := g.Merge(
		[]Grant{one, NewRevocation("bob", "", noon.Add(time.Minute), time.Hour), loginOf("three", "eve", noon)}, noon,
	)
	if err == nil || len(news) != 2 {
		t.Errorf("%d news, %v", len(news), err)
	}
	if !g.IsRevoked(Identity{Grant: "one", User: "ann", Created: noon}) ||
		!g.IsRevoked(Identity{Grant: "two", User: "bob", Created: noon}) {
		t.Error("what has ended holds")
	}
	if _, err := g.Get("three"); err == nil {
		t.Error("a login that could not be written is listed")
	}
}
