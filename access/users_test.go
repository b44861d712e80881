package access

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"convoy/internal/testkit"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("ACCESS_MERGES"); path != "" {
		mergeForever(path)
	}
	cost = bcrypt.MinCost
	os.Exit(m.Run())
}

// cheap returns a hash of a password at the lowest cost.
func cheap(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// openUsers writes a file with the admin ann and the viewer bob, after opening it.
func openUsers(t *testing.T, path string) *Users {
	t.Helper()
	u, err := OpenUsers(path)
	if err != nil || !u.Empty() {
		t.Fatalf("a missing file: %v", err)
	}
	bob := strings.Replace(cheap(t, "bob's password"), "$2a$", "$2y$", 1)
	text := "# who may\n\nann:" + cheap(t, "ann's password") + ":admin\nBob:" + bob + "\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestUsers_Authenticate(t *testing.T) {
	t.Parallel()
	u := openUsers(t, filepath.Join(t.TempDir(), "users"))
	for _, test := range []struct {
		name, password string
		role           Role
		err            error
	}{
		{"ann", "ann's password", Admin, nil},
		{"ANN", "ann's password", Admin, nil},
		{"bob", "bob's password", Viewer, nil},
		{"ann", "bob's password", 0, ErrDenied},
		{"eve", "ann's password", 0, ErrDenied},
		{"", "", 0, ErrDenied},
		{"# who may", "", 0, ErrDenied},
	} {
		got, err := u.Authenticate(test.name, test.password)
		if !errors.Is(err, test.err) || got.Role != test.role {
			t.Errorf("%q with %q: %v, %v", test.name, test.password, got.Role, err)
		}
	}
}

func TestUsers_Edit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	u := openUsers(t, path)
	other, err := OpenUsers(path) // as in another process
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"add":                  other.Add("Cyd", "cyd's password", Operator),
		"set the role":         other.SetRole("bob", Operator),
		"set the password":     other.SetPassword("bob", "another password"),
		"remove the last":      want(other.Remove("ann"), ErrLastAdmin),
		"demote the last":      want(other.SetRole("ann", Viewer), ErrLastAdmin),
		"add again":            want(other.Add("ann", "long enough", Admin), ErrUserExists),
		"remove nobody":        want(other.Remove("eve"), ErrNoUser),
		"a short password":     refusal(other.Add("dan", "short", Viewer)),
		"a long password":      refusal(other.Add("dan", strings.Repeat("x", 73), Viewer)),
		"a name with a colon":  refusal(other.Add("d:an", "long enough", Viewer)),
		"a name with newlines": refusal(other.Add("dan\nann", "long enough", Viewer)),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if user, err := u.Authenticate("bob", "another password"); err != nil || user.Role != Operator {
		t.Errorf("what another process has changed is not seen: %v, %v", user.Role, err)
	}
	kept, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(kept), "# who may\n\nann:") || strings.Count(string(kept), "\n") != 5 {
		t.Errorf("the file is %q, %v", kept, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode: %v, %v", info.Mode(), err)
	}
}

func want(err, wanted error) error {
	if errors.Is(err, wanted) {
		return nil
	}
	return fmt.Errorf("%w, not %w", err, wanted)
}

func refusal(err error) error {
	if err != nil {
		return nil
	}
	return errors.New("it is taken")
}

// Concurrent writers lose nothing.
func TestUsers_ManyWriters(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	var lines strings.Builder
	for i := range 40 {
		fmt.Fprintf(&lines, "user%d:%s:admin\n", i, cheap(t, "password"))
	}
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for i := range 40 {
		writers.Go(func() {
			u, err := OpenUsers(path)
			if err == nil && i%2 == 0 {
				err = u.SetRole(fmt.Sprintf("user%d", i), Viewer)
			} else if err == nil {
				err = u.Remove(fmt.Sprintf("user%d", i))
			}
			if err != nil && !errors.Is(err, ErrLastAdmin) {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	u, err := OpenUsers(path)
	list, err2 := u.List()
	if err != nil || err2 != nil || len(list) < 20 || len(list) > 21 {
		t.Errorf("%d users, %v, %v", len(list), err, err2)
	}
}

func FuzzParseUsers(f *testing.F) {
	hash := cheap(f, "password")
	f.Add("# x\nann:" + hash + ":admin\nbob:" + hash + "\n")
	f.Add("ann:{SHA}xyz\nann")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := parseUsers([]byte(text))
		if err != nil {
			return
		}
		for _, l := range lines {
			if l.user.Name != "" &&
				(CheckName(l.user.Name) != nil || !hashPattern.MatchString(l.user.hash) || l.user.Role < Viewer ||
					l.user.Role > Admin) {
				t.Errorf("%q gives %+v", text, l.user)
			}
		}
	})
}

// An unknown name costs as much as the most expensive known one.
func TestUsers_UnknownNameTakesAsLong(t *testing.T) {
	t.Parallel()
	hash := func(cost int) string {
		hash, err := bcrypt.GenerateFromPassword([]byte("a password"), cost)
		testkit.Must(t, err)
		return string(hash)
	}
	for want, text := range map[int]string{
		cost: "# nobody yet\n",
		5:    "ann:" + hash(4) + ":admin\nbob:" + hash(5) + "\n",
		6:    "ann:" + hash(6) + ":admin\nbob:" + hash(5) + "\n",
	} {
		path := filepath.Join(t.TempDir(), "users")
		testkit.Must(t, os.WriteFile(path, []byte(text), 0o600))
		u, err := OpenUsers(path)
		testkit.Must(t, err)
		_, known := u.find("eve")
		unknown := []byte(u.decoyHash())
		if got, err := bcrypt.Cost(unknown); err != nil || got != want || known {
			t.Errorf("an unknown name costs %d, %v; want %d", got, err, want)
		}
		if err := bcrypt.CompareHashAndPassword(unknown, []byte("a password")); !errors.Is(
			err, bcrypt.ErrMismatchedHashAndPassword,
		) {
			t.Errorf("comparing with the password of an unknown name says %v", err)
		}
		if _, err := u.Authenticate("eve", "a password"); !errors.Is(err, ErrDenied) {
			t.Errorf("an unknown name: %v", err)
		}
	}
}
