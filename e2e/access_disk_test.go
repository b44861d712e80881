//go:build linux

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"convoy/audit"
	"convoy/internal/testkit"
)

// TestRights_FullDisk: with a full disk nobody can log in, and users are told why. A user who is logged in can log out,
// and stays logged out when there is room again, and after a restart.
func TestRights_FullDisk(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	data := smallDisk(t)
	n, d := startOnDisk(t, data)
	for range 3 {
		d.logsIn(t, "ann")
	}
	filler := fill(t, data)
	d.isRefused(t)
	d.recordsNothing(t)
	for _, cookie := range d.cookies {
		if answer := d.ask(t, "POST", "/logout", cookie, ""); answer.status != http.StatusSeeOther {
			t.Errorf("logout: %d %s", answer.status, answer.text)
		}
	}
	d.isOut(t, "logged out with a full disk")
	testkit.Must(t, os.Remove(filler))
	d.isOut(t, "when there is room again")
	if status := n.ended(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	report, err := audit.Verify(filepath.Join(data, "audit", "disk.test"))
	if err != nil || !report.Sound() || report.Lost == 0 {
		t.Errorf("the audit log does not count what was lost: %v, %v", report, err)
	}
	_, again := startOnDisk(t, data)
	again.cookies = d.cookies
	again.isOut(t, "after a restart")
	again.logsIn(t, "ann")
}

// smallDisk mounts a disk of 3 MiB with a file of users, as many as fill it with their logins.
func smallDisk(t *testing.T) (data string) {
	t.Helper()
	data = testkit.SmallDisk(t, "3m")
	hash, err := bcrypt.GenerateFromPassword([]byte("their password"), bcrypt.MinCost)
	testkit.Must(t, err)
	users := "ann:" + string(hash) + ":admin\n"
	for i := range 2000 { // a node keeps fewer logins of one user
		users += fmt.Sprintf("user%d:%s\n", i, hash)
	}
	testkit.Must(t, os.WriteFile(filepath.Join(data, "users"), []byte(users), 0o600))
	return data
}

// diskConsole is the console of a node with a small disk.
type diskConsole struct {
	base    string
	cookies []string // of the logins
}

func startOnDisk(t *testing.T, data string) (*running, *diskConsole) {
	t.Helper()
	env := map[string]string{"CONVOY_COOKIE": testCookie, "CONVOY_TOKEN": testToken}
	n := launch(t, env, append(aloneArgs("disk.test"), "-data", data)...)
	link := strings.Fields(n.out.line(testkit.Context(t), t, "log in at http"))[3]
	return n, &diskConsole{base: strings.TrimSuffix(link, "/")}
}

// answered is an answer to a form: its location, and the cookie that it sets as NAME=VALUE.
type answered struct {
	status                 int
	text, location, cookie string
}

// ask sends a form, on a connection of its own.
func (d *diskConsole) ask(t *testing.T, method, path, cookie, form string) (a answered) {
	t.Helper()
	r, err := http.NewRequestWithContext(testkit.Context(t), method, d.base+path, strings.NewReader(form))
	testkit.Must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", cookie)
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	testkit.Must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	for _, c := range answer.Cookies() {
		a.cookie = c.Name + "=" + c.Value
	}
	a.status, a.text, a.location = answer.StatusCode, string(text), answer.Header.Get("Location")
	return a
}

func (d *diskConsole) login(t *testing.T, name string) answered {
	t.Helper()
	form := url.Values{"name": {name}, "password": {"their password"}}
	return d.ask(t, "POST", "/login", "", form.Encode())
}

// logsIn logs a user in, and keeps the cookie.
func (d *diskConsole) logsIn(t *testing.T, name string) {
	t.Helper()
	begun := d.login(t, name)
	if begun.status != http.StatusSeeOther {
		t.Fatalf("login: %d", begun.status)
	}
	_, claim, _ := strings.Cut(begun.location, "claim=")
	cookie := d.ask(t, "POST", "/session/plain", begun.cookie, "claim="+claim).cookie
	if answer := d.ask(t, "GET", "/nodes", cookie, ""); answer.status != http.StatusOK {
		t.Fatalf("logged in: %d", answer.status)
	}
	d.cookies = append(d.cookies, cookie)
}

// isRefused logs users in until one is refused, which takes some: the file of logins has room to spare.
func (d *diskConsole) isRefused(t *testing.T) {
	t.Helper()
	for i := range 2000 {
		answer := d.login(t, fmt.Sprint("user", i))
		if answer.status == http.StatusSeeOther {
			continue
		}
		if answer.status != http.StatusServiceUnavailable || !strings.Contains(answer.text, "could not be recorded") ||
			answer.cookie != "" {
			t.Fatalf("login with a full disk: %+v", answer)
		}
		return
	}
	t.Fatal("no login is refused")
}

// recordsNothing asks for a recording, which the full disk has no room for.
func (d *diskConsole) recordsNothing(t *testing.T) {
	t.Helper()
	var shell struct{ ID string }
	const path = "/nodes/convoy@disk.test/shells"
	testkit.Must(t, json.Unmarshal([]byte(d.ask(t, "POST", path, d.cookies[0], "").text), &shell))
	answer := d.ask(t, "POST", path+"/"+shell.ID+"/recording", d.cookies[0], "")
	if answer.status != http.StatusInsufficientStorage || !strings.Contains(answer.text, "full") {
		t.Errorf("a recording on a full disk: %d %s", answer.status, answer.text)
	}
}

// isOut checks that no login is valid.
func (d *diskConsole) isOut(t *testing.T, when string) {
	t.Helper()
	for _, cookie := range d.cookies {
		if answer := d.ask(t, "GET", "/nodes", cookie, ""); answer.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", when, answer.status)
		}
	}
}

// fill fills a disk to the last byte.
func fill(t *testing.T, dir string) (name string) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "filler"))
	testkit.Must(t, err)
	defer file.Close()
	for piece := make([]byte, 4096); len(piece) > 0; {
		if _, err := file.Write(piece); errors.Is(err, syscall.ENOSPC) {
			piece = piece[:len(piece)/2]
		} else {
			testkit.Must(t, err)
		}
	}
	return file.Name()
}
