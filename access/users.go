package access

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

const (
	// minPassword and maxPassword bound a password, in bytes; bcrypt ignores more than 72.
	minPassword, maxPassword = 8, 72
	// maxUsers bounds a file, in lines.
	maxUsers = 10_000
)

// cost is bcrypt's cost for new passwords: about 0.2 s on one core. Tests lower it.
var cost = 12

var (
	// ErrDenied means that the name or the password is wrong, and does not tell which.
	ErrDenied = errors.New("the name or password is not right")
	// ErrNoUser means that there is no such user.
	ErrNoUser = errors.New("there is no such user")
	// ErrUserExists means that the user exists already.
	ErrUserExists = errors.New("this user exists already")
	// ErrLastAdmin means that no admin would be left.
	ErrLastAdmin = errors.New("this is the last admin")
	// ErrLongPassword means that a password is longer than bcrypt compares.
	ErrLongPassword = fmt.Errorf("a password can have at most %d bytes, because bcrypt ignores the rest", maxPassword)
)

// User is a user of the file.
type User struct {
	Name string
	Role Role
	// Generation changes with the password, and differs for another user of the same name.
	Generation string
	hash       string // bcrypt
}

// Users is a file of users in the htpasswd format of Apache, with the role as a third field:
//
//	ann:$2y$12$…:admin
//
// Comments and empty lines are kept, and so are lines that are wrong, whose users cannot log in. A user without a role
// is a viewer. Users is safe for concurrent use. Several processes may change the file, which is read again after a
// change.
type Users struct {
	path string
	warn func(error)

	mu      sync.Mutex
	version FileVersion // of lines; zero: read the file again
	lines   []line
	warned  string // what is wrong with lines
}

// line is a user, or a line that is kept as it is.
type line struct {
	user User
	text string // if there is no user
}

// OpenUsers reads a file of users; a missing file has none. It calls warn, unless that is nil, with what is wrong with
// some lines, now and whenever that changes. warn must not block.
func OpenUsers(path string, warn func(error)) (*Users, error) {
	u := &Users{path: path, warn: warn}
	return u, u.refresh()
}

// Exists reports whether the file exists, even without users.
func (u *Users) Exists() bool {
	_, err := os.Stat(u.path)
	return !errors.Is(err, os.ErrNotExist)
}

// Empty reports whether there are no users.
func (u *Users) Empty() bool {
	list, err := u.List()
	return err == nil && len(list) == 0
}

// List returns all users, in the order of the file.
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

// decoyHash returns a hash that no password has, for names that are not in the file. It has the highest cost in the
// file, so if all costs are equal, the time of an answer does not reveal which names exist.
func (u *Users) decoyHash() string {
	highest := 0
	for _, l := range u.lines {
		if c, err := bcrypt.Cost([]byte(l.user.hash)); err == nil {
			highest = max(highest, c)
		}
	}
	return fmt.Sprintf("$2a$%02d$%s", cmp.Or(highest, cost), strings.Repeat(".", 53))
}

// Authenticate returns the user with that name and password, or ErrDenied, which takes as long for an unknown name. Of
// a longer password bcrypt would compare only the beginning, so that is ErrLongPassword for any name.
func (u *Users) Authenticate(name, password string) (User, error) {
	if len(password) > maxPassword {
		return User{}, ErrLongPassword
	}
	u.mu.Lock()
	err := u.refresh()
	user, known := u.find(name)
	if !known {
		user.hash = u.decoyHash()
	}
	u.mu.Unlock()
	if err != nil {
		return User{}, err
	}
	if bcrypt.CompareHashAndPassword([]byte(user.hash), []byte(password)) != nil || !known {
		return User{}, ErrDenied
	}
	return user, nil
}

// Get returns a user, or ErrNoUser.
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
	if i := u.index(name); i >= 0 {
		return u.lines[i].user, true
	}
	return User{}, false
}

func (u *Users) index(name string) int {
	name = strings.ToLower(name)
	return slices.IndexFunc(u.lines, func(l line) bool { return name != "" && l.user.Name == name })
}

// Add adds a user. Errors: ErrUserExists, or those of CheckName and CheckPassword.
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

// Remove removes a user. Errors: ErrNoUser, ErrLastAdmin.
func (u *Users) Remove(name string) error {
	return u.updateUser(name, func(i int) { u.lines = slices.Delete(u.lines, i, i+1) })
}

// SetRole sets a user's role. Errors: ErrNoUser, ErrLastAdmin.
func (u *Users) SetRole(name string, role Role) error {
	return u.updateUser(name, func(i int) { u.lines[i].user.Role = role })
}

// SetPassword sets a user's password. Errors: ErrNoUser, or those of CheckPassword.
func (u *Users) SetPassword(name, password string) error {
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	return u.updateUser(name, func(i int) { u.lines[i].user.hash = hash })
}

// updateUser changes the line of a user.
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

// update changes the file atomically, under a lock against other processes.
func (u *Users) update(do func() error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	unlock, err := lockFile(u.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	u.version = FileVersion{}
	if err := u.refresh(); err != nil {
		return err
	}
	if err := do(); err != nil {
		u.version = FileVersion{} // discard the change
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
	defer os.Remove(file.Name()) //nolint:errcheck // renamed unless a step failed
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
	u.version = FileVersion{}
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
	version, err := VersionOf(u.path)
	if errors.Is(err, os.ErrNotExist) {
		u.version, u.lines = FileVersion{}, nil
		return nil
	}
	if err != nil {
		return err
	}
	if u.version == version && version.Settled() {
		return nil
	}
	text, err := os.ReadFile(u.path)
	if err != nil {
		return err
	}
	lines, wrong, err := parseUsers(text)
	if err != nil {
		return fmt.Errorf("%s: %w", u.path, err)
	}
	u.version, u.lines = version, lines
	if text := fmt.Sprint(wrong); wrong != nil && u.warn != nil && text != u.warned {
		u.warn(fmt.Errorf("%s: %w", u.path, wrong))
	}
	u.warned = fmt.Sprint(wrong)
	return nil
}

var hashPattern = regexp.MustCompile(`^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$`)

// parseUsers reads a file, perhaps with an editor's byte order mark. wrong describes the lines that are kept as they
// are because they are wrong. A user who is listed twice cannot log in, because nobody knows which line is meant.
func parseUsers(text []byte) (lines []line, wrong, err error) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	first := map[string]int{} // line of each user
	for l := range bytes.Lines(text) {
		n := len(lines)
		if n == maxUsers {
			return nil, nil, fmt.Errorf("more than %d lines", maxUsers)
		}
		lines = append(lines, line{text: strings.TrimRight(string(l), " \t\r\n")})
		if lines[n].text == "" || lines[n].text[0] == '#' {
			continue
		}
		user, err := parseUser(lines[n].text)
		if other, twice := first[user.Name]; err == nil && twice {
			err = fmt.Errorf("%s is listed twice, also in line %d", user.Name, other+1)
			lines[other].user = User{}
		}
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("line %d: %w", n+1, err))
			continue
		}
		first[user.Name], lines[n].user = n, user
	}
	return lines, wrong, nil
}

func parseUser(text string) (User, error) {
	name, rest, _ := strings.Cut(text, ":")
	hash, role, given := strings.Cut(rest, ":")
	name = strings.ToLower(name)
	user := User{Name: name, Role: Viewer, Generation: Generation(name, hash), hash: hash}
	if CheckName(user.Name) != nil { // its error would have the text, which may be a password
		return User{}, errors.New("it does not begin with the name of a user and a colon")
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

// CheckName reports why a text is no valid user name.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%.80q is not a user name: use 1 to 64 characters of a-z, 0-9, dot, dash, underscore and @", name)
	}
	return nil
}

// CheckPassword reports why a text is no valid new password.
func CheckPassword(password string) error {
	switch {
	case len(password) < minPassword:
		return fmt.Errorf("a password must have at least %d bytes", minPassword)
	case len(password) > maxPassword:
		return ErrLongPassword
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
