package confine

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"testing"
)

func TestPlan_RoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range []Plan{
		{},
		{Strict: true, Hide: []string{"/a b", `/"c"`}},
		{User: &User{UID: 10001, GID: 10002, Name: "ann", Home: "/home/ann"}},
	} {
		if got, err := ParsePlan(p.String()); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v came back as %+v, %v", p, got, err)
		}
	}
	for _, text := range []string{"", "{", "[]", `{"uid":1}`, "{}{}", `{"user":7}`} {
		if p, err := ParsePlan(text); err == nil {
			t.Errorf("%q is a plan: %+v", text, p)
		}
	}
}

// A misread plan could confine less: what is parsed is formatted the same.
func FuzzParsePlan(f *testing.F) {
	f.Add(`{"user":{"uid":10001,"gid":10001,"name":"x","home":"/x"},"hide":["/data"],"strict":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePlan(text)
		if err != nil {
			return
		}
		if again, err := ParsePlan(p.String()); err != nil || again.Strict != p.Strict || !slices.Equal(again.Hide, p.Hide) ||
			(again.User == nil) != (p.User == nil) || p.User != nil && *again.User != *p.User {
			t.Errorf("%q is %+v, then %+v, %v", text, p, again, err)
		}
	})
}

func TestEnv(t *testing.T) {
	t.Parallel()
	env := []string{"PATH=/bin", "HOME=/root", "USER=root", "LOGNAME=root", "TMPDIR=/root/tmp", "LANG=C"}
	if got := (Plan{}).Env(env); !slices.Equal(got, env) {
		t.Errorf("without another user: %q", got)
	}
	want := []string{"PATH=/bin", "LANG=C", "USER=ann", "LOGNAME=ann", "HOME=/home/ann"}
	if got := (Plan{User: &User{Name: "ann", Home: "/home/ann"}}).Env(env); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFindUser(t *testing.T) {
	t.Parallel()
	if u, err := FindUser("root"); err != nil || u.UID != 0 {
		t.Errorf("root: %+v, %v", u, err)
	}
	if u, err := FindUser("1234567"); err != nil || *u != (User{UID: 1234567, GID: 1234567, Name: "1234567"}) {
		t.Errorf("a number without a user: %+v, %v", u, err)
	}
	for _, text := range []string{"", "-1", "no-such-user", "4294967296", "4294967295"} {
		if u, err := FindUser(text); err == nil {
			t.Errorf("%q is %+v", text, u)
		}
	}
}

// A link or directory that another user has created in place of the home is refused.
func TestMakeHome(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root gives directories away")
	}
	const uid = 1234567
	parent := t.TempDir()
	u := User{UID: uid, GID: uid, Name: "1234567"}
	for range 2 { // the second time it exists
		if err := u.MakeHome(parent); err != nil || u.Home != filepath.Join(parent, "convoy-1234567") {
			t.Fatalf("%+v, %v", u, err)
		}
		if rc := filepath.Join(u.Home, ".bashrc"); !ownsFile(rc, uid) {
			t.Errorf("%s is not the user's", rc)
		}
		u.Home = ""
	}
	for name, plant := range map[string]func(path string) error{
		"a link":              func(path string) error { return os.Symlink("/", path) },
		"somebody's":          func(path string) error { return os.Mkdir(path, 0o700) },
		"open to all":         func(path string) error { return openToAll(path, uid) },
		"a file of the right": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		parent := t.TempDir()
		if err := plant(filepath.Join(parent, "convoy-1234567")); err != nil {
			t.Fatal(err)
		}
		u := User{UID: uid, GID: uid}
		if err := u.MakeHome(parent); err == nil {
			t.Errorf("%s became the home %q", name, u.Home)
		}
	}
}

func ownsFile(path string, uid uint32) bool {
	at, err := os.Lstat(path)
	return err == nil && at.Mode().IsRegular() && at.Sys().(*syscall.Stat_t).Uid == uid
}

func openToAll(path string, uid int) error {
	if err := os.Mkdir(path, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return err
	}
	return os.Chown(path, uid, uid)
}
