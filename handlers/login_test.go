package handlers

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"convoy/access"
	"convoy/handlers/session"
	"convoy/internal/testkit"
)

// withUsers gives a node a user of each role, whose password is NAME's password. It returns the path of their file.
func withUsers(t *testing.T, n *testNode) (path string) {
	t.Helper()
	return withOnly(t, n, map[string]access.Role{"vic": access.Viewer, "olga": access.Operator, "ann": access.Admin})
}

// withOnly is withUsers for some others.
func withOnly(t *testing.T, n *testNode, roles map[string]access.Role) (path string) {
	t.Helper()
	var lines strings.Builder
	for name, role := range roles {
		fmt.Fprintf(&lines, "%s:%s:%s\n", name, cheaply(t, name+"'s password"), role)
	}
	path = filepath.Join(t.TempDir(), "users")
	testkit.Must(t, os.WriteFile(path, []byte(lines.String()), 0o600))
	users, err := access.OpenUsers(path, nil)
	testkit.Must(t, err)
	n.Authority.Users = users
	return path
}

// setPassword changes a password in the file of withOnly.
func setPassword(t *testing.T, path, name, password string) {
	t.Helper()
	text, err := os.ReadFile(path)
	testkit.Must(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			_, role, _ := strings.Cut(rest, ":")
			lines[i] = fmt.Sprintf("%s:%s:%s", name, cheaply(t, password), role)
		}
	}
	testkit.Must(t, os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600))
}

// cheaply hashes a password so that it takes little time, which with the race detector is a hundredth of a second.
func cheaply(t *testing.T, password string) []byte {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	testkit.Must(t, err)
	return hash
}

const formType = "Content-Type: application/x-www-form-urlencoded"

// logInAs posts the form and returns the status and the cookie, of a login that needs no page key.
func (n *testNode) logInAs(t *testing.T, fields ...string) (status int, cookie string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	answer := n.request(t, "POST", "/login", form.Encode(), formType, "Accept: text/html")
	for _, c := range answer.Cookies() {
		cookie = "Cookie: " + c.Name + "=" + c.Value
	}
	if cookie != "" {
		cookie = n.plain(t, cookie, answer.Header.Get("Location"))
	}
	return answer.StatusCode, cookie
}

// plain completes a login without a page key, and returns its cookie.
func (n *testNode) plain(t *testing.T, cookie, location string) string {
	t.Helper()
	_, claim, _ := strings.Cut(location, "claim=")
	answer := n.request(t, "POST", "/session/plain", "claim="+claim, cookie, formType)
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		t.Fatalf("%s: a login without a page key: %s", location, answer.Status)
	}
	return "Cookie: " + answer.Cookies()[0].Name + "=" + answer.Cookies()[0].Value
}

// Users log in by name and password, with their current role. Removing a user ends the logins.
func TestLogin_Users(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withUsers(t, n)
	for name, spawn := range map[string]int{"vic": 403, "olga": 503, "ANN": 503} {
		status, cookie := n.logInAs(t, "name", name, "password", strings.ToLower(name)+"'s password")
		if status != http.StatusSeeOther || cookie == "" {
			t.Errorf("%s logs in: %d", name, status)
			continue
		}
		if answer := n.request(t, "POST", "/nodes", "", cookie); answer.StatusCode != spawn {
			t.Errorf("%s spawns: %d, want %d", name, answer.StatusCode, spawn)
		}
	}
	form := url.Values{"name": {"olga"}, "password": {strings.Repeat("x", 73)}}
	answer := n.request(t, "POST", "/login", form.Encode(), formType, "Accept: text/html")
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusUnauthorized || !strings.Contains(string(page), "at most 72 bytes") {
		t.Errorf("a password that is too long: %d, %v", answer.StatusCode, err)
	}
	_, cookie := n.logInAs(t, "name", "olga", "password", "olga's password")
	testkit.Must(t, n.Authority.Users.SetRole("olga", access.Viewer))
	if answer := n.request(t, "POST", "/nodes", "", cookie); answer.StatusCode != http.StatusForbidden {
		t.Errorf("after another role was given: %d", answer.StatusCode)
	}
	testkit.Must(t, n.Authority.Users.Remove("olga"))
	if answer := n.request(t, "GET", "/nodes", "", cookie); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the user was removed: %d", answer.StatusCode)
	}
	if status, cookie := n.logInAs(t, "token", token); status != http.StatusSeeOther || cookie == "" {
		t.Errorf("by the token: %d", status)
	}
}

// A wrong name and a wrong password get the same answer, and too many failures mean a wait.
func TestLogin_WrongTries(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	withUsers(t, n)
	n.stopClock()
	var bodies []string
	for _, fields := range [][]string{{"name", "ann", "password", "wrong password"},
		{"name", "nobody", "password", "wrong password"}, {"token", "wrong"}} {
		form := url.Values{fields[0]: {fields[1]}}
		if len(fields) > 2 {
			form.Set(fields[2], fields[3])
		}
		answer := n.request(t, "POST", "/login", form.Encode(), formType, "Accept: text/html")
		text := readAll(t, answer)
		if answer.StatusCode != http.StatusUnauthorized || len(answer.Cookies()) > 0 || !strings.Contains(text, "not ") {
			t.Errorf("%v: %s", fields, answer.Status)
		}
		bodies = append(bodies, text[strings.Index(text, `role="alert"`):][:120])
	}
	if bodies[0] != bodies[1] {
		t.Errorf("a wrong password and a wrong name differ:\n%s\n%s", bodies[0], bodies[1])
	}
	answer := n.request(
		t, "POST", "/login", url.Values{"name": {"ann"}, "password": {"ann's password"}}.Encode(), formType,
		"Accept: text/html",
	)
	if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" ||
		len(answer.Cookies()) > 0 {
		t.Errorf("after three wrong tries the right password gives %s", answer.Status)
	}
}

// A login that is used has its cookie renewed, with the same end.
func TestLogin_Renewed(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	ends := time.Now().Add(24 * time.Hour).UTC()
	s := session.Session{
		Identity: access.Identity{Grant: "x", User: access.ConsoleToken, Role: access.Admin, Home: n.Self},
		Seen:     time.Now().Add(-2 * seenStep),
		Expires:  ends,
		Keys:     []string{session.KeySum("k")},
	}
	answer := n.request(
		t, "GET", "/nodes", "", "Cookie: "+n.sessions.Cookies.Name+"="+n.sessions.Cookies.Sign(s), "Convoy-Key: k",
	)
	cookies := answer.Cookies()
	if answer.StatusCode != http.StatusOK || len(cookies) != 1 {
		t.Fatalf("%s, %d cookies", answer.Status, len(cookies))
	}
	renewed, ok := n.sessions.Cookies.Verify(cookies[0].Value, time.Now())
	if !ok || !renewed.Expires.Equal(ends) || time.Since(renewed.Seen) > time.Minute || renewed.Grant != "x" ||
		!slices.Contains(renewed.Keys, session.KeySum("k")) {
		t.Errorf("renewed: %+v, %v", renewed, ok)
	}
	if answer := n.request(
		t, "GET", "/nodes", "", "Cookie: "+n.sessions.Cookies.Name+"="+cookies[0].Value, "Convoy-Key: k",
	); answer.StatusCode != http.StatusOK || len(answer.Cookies()) > 0 {
		t.Error("renewed again at once")
	}
}

// A login lasts thirty days, and seven of them without being used.
func TestLogin_Lasts(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	_, cookie := n.logInAs(t, "token", token)
	_, value, _ := strings.Cut(cookie, "=")
	day, now := 24*time.Hour, time.Now()
	s, ok := n.sessions.Cookies.Verify(value, now)
	if ends := s.Expires.Sub(now); !ok || ends < 30*day-time.Hour || ends > 30*day {
		t.Errorf("a new login lasts %v, %v", ends, ok)
	}
	for after, want := range map[time.Duration]bool{7*day - time.Hour: true, 7*day + time.Hour: false} {
		if _, ok := n.sessions.Cookies.Verify(value, now.Add(after)); ok != want {
			t.Errorf("after %v unused it is %v, want %v", after, ok, want)
		}
	}
	s.Seen = now.Add(29 * day)
	for after, want := range map[time.Duration]bool{30*day - time.Hour: true, 30*day + time.Hour: false} {
		if _, ok := n.sessions.Cookies.Verify(n.sessions.Cookies.Sign(s), now.Add(after)); ok != want {
			t.Errorf("after %v in use it is %v, want %v", after, ok, want)
		}
	}
}

// With a broken users file, no password works, but the token does.
func TestLogin_BrokenFile(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	path := withUsers(t, n)
	_, cookie := n.logInAs(t, "name", "ann", "password", "ann's password")
	testkit.Must(t, os.WriteFile(path, []byte("ann:plain\n"), 0o600))
	if answer := n.request(t, "GET", "/nodes", "", cookie); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a login while the file is broken: %s", answer.Status)
	}
	if status, _ := n.logInAs(t, "name", "ann", "password", "ann's password"); status != http.StatusUnauthorized {
		t.Errorf("a password while the file is broken: %d", status)
	}
	if status, _ := n.logInAs(t, "token", token); status != http.StatusSeeOther {
		t.Errorf("the token while the file is broken: %d", status)
	}
}

func readAll(t *testing.T, answer *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	return string(text)
}
