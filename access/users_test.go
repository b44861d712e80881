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
	u, err := OpenUsers(path, nil)
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
	other, err := OpenUsers(path, nil) // as in another process
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
			u, err := OpenUsers(path, nil)
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
	u, err := OpenUsers(path, nil)
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
		lines, _, err := parseUsers([]byte(text))
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
		u, err := OpenUsers(path, nil)
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

// One wrong line locks out its user alone, and stays in the file for who corrects it.
func TestUsers_WrongLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	hash := cheap(t, "a password")
	const secret = "my secret password"
	text := "\uFEFFann:" + hash + ":admin\r\nbob:{SHA}x:admin\n" + secret + "\ncyd:" + hash + ":root\ndan:" + hash +
		"\nolga:" + hash + ":viewer\ndan:" + hash + ":admin\ndan:" + hash + "\n" + strings.Repeat("x", 100_000) + "\n"
	testkit.Must(t, os.WriteFile(path, []byte(text), 0o600))
	var warnings []string
	u, err := OpenUsers(path, func(err error) { warnings = append(warnings, err.Error()) })
	testkit.Must(t, err)
	for name, want := range map[string]error{"ann": nil, "olga": nil, "bob": ErrDenied, "cyd": ErrDenied,
		"dan": ErrDenied} {
		if _, err := u.Authenticate(name, "a password"); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	testkit.Must(t, u.SetRole("olga", Operator))
	kept, err := os.ReadFile(path)
	testkit.Must(t, err)
	for _, line := range []string{"bob:{SHA}x:admin\n", secret, "cyd:" + hash + ":root\n", "dan:" + hash + ":admin\n"} {
		if !strings.Contains(string(kept), line) {
			t.Errorf("the line %q is not kept in %q", line, kept)
		}
	}
	all := strings.Join(warnings, "\n")
	for _, want := range []string{"line 2: the password of bob", "line 3: ", "line 4: ", "line 7: dan is listed twice",
		"line 8: ", "line 9: "} {
		if strings.Count(all, want) != 1 {
			t.Errorf("it warns %q, want %q", all, want)
		}
	}
	if strings.Contains(all, secret) || len(warnings) != 1 {
		t.Errorf("warnings: %q", warnings)
	}
}

// What bcrypt would ignore makes no password of another one.
func TestUsers_LongPassword(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	password := strings.Repeat("x", maxPassword)
	testkit.Must(t, os.WriteFile(path, []byte("ann:"+cheap(t, password)+":admin\n"), 0o600))
	u, err := OpenUsers(path, nil)
	testkit.Must(t, err)
	_, exact := u.Authenticate("ann", password)
	_, longer := u.Authenticate("ann", password+"y")
	_, nobody := u.Authenticate("eve", password+"y")
	if exact != nil || !errors.Is(longer, ErrLongPassword) || !errors.Is(nobody, ErrLongPassword) {
		t.Errorf("%v, %v, %v", exact, longer, nobody)
	}
}
