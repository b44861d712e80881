// Package confine sandboxes the programs of system shells, to protect the node from them.
//
// A node starts its own binary again with a [Plan]. That process drops what the plan says ([Plan.Enter]) and then
// executes the program, so the program never has more rights. Package sandbox tests that from inside.
//
// On Linux the sandbox is another user if the node is root, no new privileges (prctl(2), PR_SET_NO_NEW_PRIVS), Landlock
// (landlock(7)), resource limits, and no descriptors except the first three. On other systems it is the other user and
// the limits.
package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Plan is what a program may not do.
type Plan struct {
	User *User `json:"user,omitempty"` // runs the program; nil: the node's own
	// Hide are files and directories that Landlock makes inaccessible. A path is hidden only if that has no side effect:
	// if the user cannot create files in any directory above it. Strict hides it in any case; files created later in a
	// directory above it then cannot be opened. Without another user, Strict also hides all terminals except the program's
	// own, including those that it creates, and denies Unix sockets (seccomp(2)).
	Hide   []string `json:"hide,omitempty"`
	Strict bool     `json:"strict,omitempty"`
}

// User is the user that runs programs.
type User struct {
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	Name string `json:"name"` // as the system knows it; else the number
	Home string `json:"home"` // "": unknown
}

// FindUser finds a user by name or number. The system need not know a number.
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

// MakeHome makes sure that the user has a home directory: the one that the system knows, or else a new one below
// parent. Only root can call it.
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
	if !ownsDir(home, u.UID) { // another user has created it, or a link
		return fmt.Errorf("%s does not belong to user %d alone; remove it", home, u.UID)
	}
	u.Home = home
	return u.setPrompt()
}

// setPrompt gives a user without a name a prompt of bash that shows none: the usual one says "I have no name!".
func (u *User) setPrompt() error {
	if u.Name != strconv.Itoa(u.UID) {
		return nil
	}
	for _, name := range []string{".bashrc", ".bash_profile"} {
		rc, err := os.OpenFile(filepath.Join(u.Home, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = rc.WriteString("PS1='\\h:\\w\\$ '\n")
		if err := errors.Join(err, rc.Chown(u.UID, u.GID), rc.Close()); err != nil {
			return err
		}
	}
	return nil
}

// ownsDir reports whether path is a directory that belongs to the user and that others cannot write to.
func ownsDir(path string, uid int) bool {
	at, err := os.Lstat(path)
	if path == "" || err != nil || !at.IsDir() || at.Mode().Perm()&0o022 != 0 {
		return false
	}
	stat, ok := at.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid
}

// Env returns an environment for the plan's user.
func (p Plan) Env(env []string) []string {
	if p.User == nil {
		return env
	}
	list := slices.DeleteFunc(slices.Clone(env), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains([]string{"HOME", "USER", "LOGNAME", "TMPDIR"}, name)
	})
	list = append(list, "USER="+p.User.Name, "LOGNAME="+p.User.Name)
	if p.User.Home != "" {
		list = append(list, "HOME="+p.User.Home)
	}
	return list
}

// String returns the plan in the form that [ParsePlan] reads: one argument, without a secret.
func (p Plan) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return string(text)
}

// ParsePlan parses what String returns.
func ParsePlan(text string) (p Plan, err error) {
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	if err = in.Decode(&p); err == nil && in.More() {
		err = errors.New("more than one JSON value")
	}
	if err != nil {
		err = fmt.Errorf("invalid plan: %w", err)
	}
	return p, err
}
