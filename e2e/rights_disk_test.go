//go:build linux

package e2e

import (
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

	"convoy/internal/testkit"
)

// A7: with a full disk nobody can log in, and is told why; who is logged in can log out, and stays so when there is
// room again, and after a restart.
func TestRights_A7_FullDisk(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("a small disk takes the right to mount one: %v", err)
	}
	t.Cleanup(func() { testkit.Must(t, syscall.Unmount(data, syscall.MNT_DETACH)) })
	hash, err := bcrypt.GenerateFromPassword([]byte("their password"), bcrypt.MinCost)
	testkit.Must(t, err)
	users := "ann:" + string(hash) + ":admin\n"
	for i := range 2000 { // of one user not as many are kept
		users += fmt.Sprintf("user%d:%s\n", i, hash)
	}
	testkit.Must(t, os.WriteFile(filepath.Join(data, "users"), []byte(users), 0o600))
	env := map[string]string{"CONVOY_COOKIE": testCookie, "CONVOY_TOKEN": testToken}
	begin := func() (*running, string) {
		n := launch(
			t,
			env,
			"-provider",
			"none",
			"-host",
			"disk.test",
			"-query",
			"",
			"-bind",
			loopback,
			"-port",
			"0",
			"-call-port",
			"0",
			"-data",
			data,
		)
		return n, strings.TrimSuffix(strings.Fields(n.out.line(testkit.Context(t), t, "log in at http"))[3], "/")
	}
	plain := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	location := "" // that the last answer led to
	ask := func(base, method, path, cookie, body string) (status int, text string, set string) {
		t.Helper()
		r, err := http.NewRequestWithContext(testkit.Context(t), method, base+path, strings.NewReader(body))
		testkit.Must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", cookie)
		answer, err := plain.Do(r)
		testkit.Must(t, err)
		defer answer.Body.Close()
		all, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		for _, c := range answer.Cookies() {
			set = c.Name + "=" + c.Value
		}
		location = answer.Header.Get("Location")
		return answer.StatusCode, string(all), set
	}
	form := func(name string) string { return url.Values{"name": {name}, "password": {"their password"}}.Encode() }
	n, base := begin()
	var cookies []string
	for range 3 {
		status, _, cookie := ask(base, "POST", "/login", "", form("ann"))
		if status != http.StatusSeeOther {
			t.Fatalf("login: %d", status)
		}
		_, claim, _ := strings.Cut(location, "claim=")
		_, _, cookie = ask(base, "POST", "/session/plain", cookie, "claim="+claim)
		if status, _, _ := ask(base, "GET", "/nodes", cookie, ""); status != http.StatusOK {
			t.Fatalf("logged in: %d", status)
		}
		cookies = append(cookies, cookie)
	}
	filler := fill(t, data)
	refused := false
	for i := range 2000 { // what the file has to spare takes some logins
		status, text, cookie := ask(base, "POST", "/login", "", form(fmt.Sprint("user", i)))
		if status == http.StatusSeeOther {
			continue
		}
		if refused = status == http.StatusServiceUnavailable; !refused || !strings.Contains(text, "could not be recorded") ||
			cookie != "" {
			t.Fatalf("login with a full disk: %d, cookie %q, %s", status, cookie, text)
		}
		break
	}
	if !refused {
		t.Fatal("no login is refused")
	}
	out := func(base, when string) {
		t.Helper()
		for _, cookie := range cookies {
			if status, _, _ := ask(base, "GET", "/nodes", cookie, ""); status != http.StatusUnauthorized {
				t.Errorf("%s: %d", when, status)
			}
		}
	}
	for _, cookie := range cookies {
		if status, text, _ := ask(base, "POST", "/logout", cookie, ""); status != http.StatusSeeOther {
			t.Errorf("logout: %d %s", status, text)
		}
	}
	out(base, "logged out with a full disk")
	testkit.Must(t, os.Remove(filler))
	out(base, "when there is room again")
	if status := n.ended(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	_, base = begin()
	out(base, "after a restart")
	if status, _, _ := ask(base, "POST", "/login", "", form("ann")); status != http.StatusSeeOther {
		t.Errorf("login after a restart: %d", status)
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
