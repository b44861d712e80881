package access

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	// minPassword and maxPassword bound a password, in bytes; bcrypt looks at no more than 72.
	minPassword, maxPassword = 8, 72
	// maxUsers bounds a file, in lines.
	maxUsers = 10_000
)

// cost is bcrypt's work factor for new passwords: about 0.2 s of one core. Tests lower it.
var cost = 12

var (
	// ErrDenied says that there is no such user, or that the password is another; nobody learns which.
	ErrDenied = errors.New("the name or the password is not right")
	// ErrNoUser says that the file has no such user.
	ErrNoUser = errors.New("there is no such user")
	// ErrKnown says that the user is there already.
	ErrUserExists = errors.New("this user exists already")
	// ErrLastAdmin says that nobody would be left who may do everything.
	ErrLastAdmin = errors.New("this is the last admin")
)

// User is somebody who may log in.
type User struct {
	Name string
	Role Role
	// Generation is another one after each change of the password, and for another user of the same name.
	Generation string
	hash       string // bcrypt
}

// Users is a file of users in the form of htpasswd (Apache) with the role as a third field:
//
//	ann:$2y$12$…:admin
//
// Comments and empty lines are kept. A line without a role is a viewer. Methods may be called by several goroutines;
// the file may be changed by several processes, and is read again when it has changed.
type Users struct {
	path string

	mu    sync.Mutex
	stat  os.FileInfo
	lines []line
}

// line is a line of the file: a user, or text that is kept as it is.
type line struct {
	user User
	text string // if there is no user
}

// OpenUsers reads a file of users; one that is not there has none.
func OpenUsers(path string) (*Users, error) {
	u := &Users{path: path}
	return u, u.refresh()
}

// There reports whether there is a file, even one without users.
func (u *Users) Exists() bool {
	_, err := os.Stat(u.path)
	return !errors.Is(err, os.ErrNotExist)
}

// Empty reports whether there are no users.
func (u *Users) Empty() bool {
	list, err := u.List()
	return err == nil && len(list) == 0
}

// List are all users, in the order of the file.
func (u *Users) List() (list []User, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.refresh(); err != nil {
		return nil, err
	}
	for _, l := range u.lines {
		if l.user.Name != "" {
			list = append(list, l.user)
		}
	}
	return list, nil
}

// unknown is what the password of a name that is not in the file is compared with: no password's hash, at the highest
// cost in the file. If all hashes have one cost, the time of an answer does not tell which names are there.
func (u *Users) decoyHash() string {
	highest := 0
	for _, l := range u.lines {
		if c, err := bcrypt.Cost([]byte(l.user.hash)); err == nil {
			highest = max(highest, c)
		}
	}
	if highest == 0 {
		highest = cost
	}
	return fmt.Sprintf("$2a$%02d$%s", highest, strings.Repeat(".", 53))
}

// whom finds a user by name, and the hash that a password given with that name is compared with. u is locked.
func (u *Users) credentials(name string) (user User, hash string, known bool) {
	if user, known = u.find(name); known {
		return user, user.hash, true
	}
	return User{}, u.decoyHash(), false
}

// Check finds a user by name and password: ErrDenied, which takes as long for a name that is not there.
func (u *Users) Authenticate(name, password string) (User, error) {
	u.mu.Lock()
	err := u.refresh()
	user, hash, known := u.credentials(name)
	u.mu.Unlock()
	if err != nil {
		return User{}, err
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil || !known {
		return User{}, ErrDenied
	}
	return user, nil
}

// Get finds a user by name: ErrNoUser.
func (u *Users) Get(name string) (User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.refresh(); err != nil {
		return User{}, err
	}
	user, ok := u.find(name)
	if !ok {
		return User{}, ErrNoUser
	}
	return user, nil
}

func (u *Users) find(name string) (User, bool) {
	i := u.index(name)
	if i < 0 {
		return User{}, false
	}
	return u.lines[i].user, true
}

func (u *Users) index(name string) int {
	name = strings.ToLower(name)
	return slices.IndexFunc(u.lines, func(l line) bool { return name != "" && l.user.Name == name })
}

// Add adds a user: ErrKnown, or an error of CheckName or CheckPassword.
func (u *Users) Add(name, password string, role Role) error {
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	if name = strings.ToLower(name); CheckName(name) != nil {
		return CheckName(name)
	}
	return u.update(func() error {
		if u.index(name) >= 0 {
			return ErrUserExists
		}
		u.lines = append(u.lines, line{user: User{Name: name, Role: role, hash: hash}})
		return nil
	})
}

// Remove removes a user: ErrNoUser, ErrLastAdmin.
func (u *Users) Remove(name string) error {
	return u.updateUser(name, func(i int) { u.lines = slices.Delete(u.lines, i, i+1) })
}

// SetRole gives a user another role: ErrNoUser, ErrLastAdmin.
func (u *Users) SetRole(name string, role Role) error {
	return u.updateUser(name, func(i int) { u.lines[i].user.Role = role })
}

// SetPassword gives a user another password: ErrNoUser, or an error of CheckPassword.
func (u *Users) SetPassword(name, password string) error {
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	return u.updateUser(name, func(i int) { u.lines[i].user.hash = hash })
}

// edit changes the line of a user.
func (u *Users) updateUser(name string, do func(i int)) error {
	return u.update(func() error {
		i := u.index(name)
		if i < 0 {
			return ErrNoUser
		}
		admins := u.admins()
		if do(i); admins > 0 && u.admins() == 0 {
			return ErrLastAdmin
		}
		return nil
	})
}

func (u *Users) admins() (n int) {
	for _, l := range u.lines {
		if l.user.Role == Admin {
			n++
		}
	}
	return n
}

// change changes the file as a whole, or not at all: no other process does so meanwhile, and who reads it sees the old
// or the new one.
func (u *Users) update(do func() error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	unlock, err := lockFile(u.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	u.stat = nil
	if err := u.refresh(); err != nil {
		return err
	}
	if err := do(); err != nil {
		u.stat = nil // what was changed is read again
		return err
	}
	return u.write()
}

func (u *Users) write() error {
	path := u.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".users-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // it has another name by then
	for _, l := range u.lines {
		text := l.text
		if l.user.Name != "" {
			text = l.user.Name + ":" + l.user.hash + ":" + l.user.Role.String()
		}
		if _, err = file.WriteString(text + "\n"); err != nil {
			break
		}
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	u.stat = nil
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// refresh reads the file if it has changed.
func (u *Users) refresh() error {
	info, err := os.Stat(u.path)
	if errors.Is(err, os.ErrNotExist) {
		u.stat, u.lines = nil, nil
		return nil
	}
	if err != nil {
		return err
	}
	if u.stat != nil && os.SameFile(u.stat, info) && u.stat.ModTime().Equal(info.ModTime()) &&
		u.stat.Size() == info.Size() &&
		time.Since(info.ModTime()) > time.Second {
		return nil
	}
	text, err := os.ReadFile(u.path)
	if err != nil {
		return err
	}
	lines, err := parseUsers(text)
	if err != nil {
		return fmt.Errorf("%s: %w", u.path, err)
	}
	u.stat, u.lines = info, lines
	return nil
}

var hashPattern = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

// parseUsers decodes a file.
func parseUsers(text []byte) (lines []line, err error) {
	in := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; in.Scan(); n++ {
		if n > maxUsers {
			return nil, fmt.Errorf("more than %d lines", maxUsers)
		}
		l := strings.TrimRight(in.Text(), " \t\r")
		if l == "" || l[0] == '#' {
			lines = append(lines, line{text: l})
			continue
		}
		user, err := parseUser(l)
		if err == nil && slices.ContainsFunc(lines, func(other line) bool { return other.user.Name == user.Name }) {
			err = fmt.Errorf("%s is listed twice", user.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		lines = append(lines, line{user: user})
	}
	return lines, in.Err()
}

func parseUser(text string) (User, error) {
	name, rest, _ := strings.Cut(text, ":")
	hash, role, given := strings.Cut(rest, ":")
	name = strings.ToLower(name)
	user := User{Name: name, Role: Viewer, Generation: Generation(name, hash), hash: hash}
	if err := CheckName(user.Name); err != nil {
		return User{}, err
	}
	if !hashPattern.MatchString(hash) {
		return User{}, fmt.Errorf("the password of %s is not a bcrypt hash; create one with htpasswd -B", user.Name)
	}
	if !given {
		return user, nil
	}
	var err error
	user.Role, err = ParseRole(role)
	return user, err
}

var namePattern = regexp.MustCompile(`^[a-z0-9._@-]{1,64}$`)

// CheckName says what is wrong with a user's name.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%.80q is not a user name: use 1 to 64 characters of a-z, 0-9, dot, dash, underscore and @", name)
	}
	return nil
}

// CheckPassword says what is wrong with a new password.
func CheckPassword(password string) error {
	switch {
	case len(password) < minPassword:
		return fmt.Errorf("a password must have at least %d bytes", minPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("a password can have at most %d bytes, because bcrypt ignores the rest", maxPassword)
	}
	return nil
}

func hashPassword(password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return string(hash), err
}
