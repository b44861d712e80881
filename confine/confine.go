// Package confine gives programs less power over a node than the node has: the programs of system shells.
//
// A node starts its own binary again with a [Plan]; that process gives up what the plan says ([Plan.Enter]) and then
// becomes the program ([Exec]), so nothing of the program ever runs with more. What that is worth on a machine is
// tried, not assumed: [Try] makes the attempts that matter from within, and says how each ended.
//
// On Linux that is: another user if the node is root, no new privileges (prctl(2), PR_SET_NO_NEW_PRIVS), Landlock
// (landlock(7)), limits, and no descriptor but the first three. Elsewhere it is the other user and the limits.
package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Plan says what a program does not get.
type Plan struct {
	User *User `json:"user,omitempty"` // that the program runs as; nil: the node's own
	// Hide are files and directories that no program gets at, by Landlock. One is hidden only if that costs nothing, which
	// is if the user cannot make files in a directory above it; Strict hides it in any case, and then what is made anew
	// in a directory above it cannot be opened. Without another user Strict hides all terminals but the program's own,
	// too, also those that it makes, and refuses Unix sockets (seccomp(2)).
	Hide   []string `json:"hide,omitempty"`
	Strict bool     `json:"strict,omitempty"`
}

// User is whom programs run as.
type User struct {
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	Name string `json:"name"` // of the system's list; else the number
	Home string `json:"home"` // "": none is known
}

// FindUser finds a user by name or number. A number need not be known to the system.
func FindUser(text string) (*User, error) {
	number, err := strconv.ParseUint(text, 10, 31)
	find := user.Lookup
	if err == nil {
		find = user.LookupId
	}
	found, lookErr := find(text)
	switch {
	case lookErr == nil:
		u := User{Name: found.Username, Home: found.HomeDir}
		if u.UID, err = strconv.Atoi(found.Uid); err == nil {
			u.GID, err = strconv.Atoi(found.Gid)
		}
		return &u, err
	case err == nil:
		return &User{UID: int(number), GID: int(number), Name: text}, nil
	}
	return nil, fmt.Errorf("the system has no user %q", text)
}

// MakeHome sees to it that the user has a directory of their own: the one that the system knows, else one below parent,
// which is made. Only root can.
func (u *User) MakeHome(parent string) error {
	if ownsDir(u.Home, u.UID) {
		return nil
	}
	home := filepath.Join(parent, "convoy-"+strconv.Itoa(u.UID))
	if err := os.Mkdir(home, 0o700); err == nil {
		if err := os.Lchown(home, u.UID, u.GID); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if !ownsDir(home, u.UID) { // somebody else was here first, with a link or a directory of theirs
		return fmt.Errorf("%s is not the directory of user %d alone", home, u.UID)
	}
	u.Home = home
	return nil
}

// own reports whether path is a directory that belongs to the user, and that nobody else may write to.
func ownsDir(path string, uid int) bool {
	at, err := os.Lstat(path)
	if path == "" || err != nil || !at.IsDir() || at.Mode().Perm()&0o022 != 0 {
		return false
	}
	stat, ok := at.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid
}

// Env is an environment for the plan's user.
func (p Plan) Env(env []string) []string {
	if p.User == nil {
		return env
	}
	var list []string
	for _, one := range env {
		switch name, _, _ := strings.Cut(one, "="); name {
		case "HOME", "USER", "LOGNAME", "TMPDIR":
		default:
			list = append(list, one)
		}
	}
	list = append(list, "USER="+p.User.Name, "LOGNAME="+p.User.Name)
	if p.User.Home != "" {
		list = append(list, "HOME="+p.User.Home)
	}
	return list
}

// String is the plan as [ParsePlan] reads it: one argument, without a secret.
func (p Plan) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // it is strings and numbers
	}
	return string(text)
}

// ParsePlan reads what String wrote.
func ParsePlan(text string) (p Plan, err error) {
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	if err = in.Decode(&p); err == nil && in.More() {
		err = errors.New("more than one")
	}
	if err != nil {
		err = fmt.Errorf("no plan: %w", err)
	}
	return p, err
}

// Exec becomes a program with that environment, looked up in PATH as the user that this process is by now. It returns
// only if that cannot be done: with the status that a shell would have, and why. The caller has not left the
// goroutine's thread since Enter.
func Exec(args, env []string) (status int, err error) {
	path, err := exec.LookPath(args[0])
	if err == nil {
		err = syscall.Exec(path, args, env)
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	const notFound, notRun = 127, 126
	status = notFound
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOEXEC) {
		status = notRun
	}
	return status, fmt.Errorf("cannot start %q: %w", filepath.Base(args[0]), err)
}
