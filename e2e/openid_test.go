package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"convoy/handlers/session"
	"convoy/internal/browser"
	"convoy/internal/openidtest"
)

// startOpenID starts a console whose users are the provider's, another site for a browser.
func startOpenID(t *testing.T, args ...string) (*running, *openidtest.Server) {
	t.Helper()
	browser.Need(t)
	user := func(name string, groups ...string) openidtest.User {
		return openidtest.User{
			Name:     name,
			Email:    name + "@example.com",
			Verified: true,
			Claims:   map[string]any{"groups": groups},
		}
	}
	s := openidtest.Start(t, user("ann", "staff", "admins"), user("vic", "staff"), user("mallory", "guests"))
	n := startNode(
		t,
		map[string]string{"CONVOY_SYSTEM_SHELL": "on", "CONVOY_OPENID_SECRET": openidtest.ClientSecret},
		append(
			[]string{
				"-data", t.TempDir(),
				"-openid-issuer", s.URL,
				"-openid-client", openidtest.ClientID,
				"-openid-roles", "admins=admin,staff=viewer",
				"-openid-name", "Example",
			},
			args...)...)
	s.Change(func() { s.Redirects = []string{n.Base + session.OpenIDCallback} })
	return n, s
}

// pressOpenID presses the button on a fresh login page, and logs in at the provider.
func pressOpenID(t *testing.T, n *running, user string) *browser.Page {
	t.Helper()
	p := browser.Shared(t).Open(t, n.Base+"/login")
	p.Follow("#openid")
	p.Wait(`document.querySelector("#username")`)
	p.Do(
		fmt.Sprintf(
			`document.querySelector("#username").value = %q; document.querySelector("#password").value = %q`, user,
			openidtest.Password,
		),
	)
	p.Click("form button")
	return p
}

// A browser logs in at the provider, and lands on the console with the role that its group gives; without one it learns
// why not.
func TestBrowser_OpenID(t *testing.T) {
	t.Parallel()
	n, _ := startOpenID(t)
	if strings.Contains(n.Base, "127.0.0.1") {
		t.Fatal("the provider is no other site")
	}
	admin := pressOpenID(t, n, "ann")
	admin.Wait(`window.convoy?.panes.size === 1 && location.pathname === "/" && document.body.dataset.role === "admin"`)
	first := admin.Panes()[0]
	waitConvoy(admin, first)
	asks(admin, first, "6 * 7", "42")

	viewer := pressOpenID(t, n, "vic")
	viewer.Wait(
		fmt.Sprintf(`window.convoy?.panes.get(%q)?.text().includes("42") && document.body.dataset.role === "viewer"`, first),
	)
	viewer.Click("#menu-button")
	for _, selector := range []string{"#spawn", "[data-action=open-shell]", "[command=show-modal][commandfor=connect]",
		"[href='/recordings']", "#broadcast-toggle"} {
		if browser.Eval[bool](viewer, fmt.Sprintf(`!!document.querySelector(%q)?.checkVisibility()`, selector)) {
			t.Errorf("a viewer sees %s", selector)
		}
	}
	viewer.Reload()
	viewer.Wait(`window.convoy && document.body.dataset.role === "viewer"`)

	nobody := pressOpenID(t, n, "mallory")
	nobody.Wait(`document.querySelector("#openid-error")?.textContent.includes("the claim groups")`)
	nobody.Go(n.Base + "/")
	nobody.Wait(`document.querySelector("#openid")`)
	viewer.Clean()
	admin.Clean()
}

// TestBrowser_OpenIDPictures shows the login page: go test -run OpenIDPictures . -pictures DIR
func TestBrowser_OpenIDPictures(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("-pictures names no directory")
	}
	data := t.TempDir()
	plain, _ := startOpenID(t)
	if status, out := asUser(t, "ann's password", "add", "ann", "-role", "admin", "-data", data); status != 0 {
		t.Fatal(out)
	}
	both, _ := startOpenID(t, "-data", data, "-openid-name", "a-provider-of-a-very-long-name.id.departments.example.com")
	for name, n := range map[string]*running{"openid": plain, "openid-users": both} {
		for _, scheme := range []string{"light", "dark"} {
			for size, width := range map[string]int64{"desktop": 1280, "phone": 390} {
				p := browser.Shared(t).Open(t, "about:blank")
				p.Scheme(scheme)
				p.Resize(width, 800)
				p.Go(n.Base + "/login")
				p.Screenshot(filepath.Join(*pictures, fmt.Sprintf("%s-%s-%s.png", name, size, scheme)))
				if p.Go(n.Base + session.OpenIDCallback); browser.Eval[bool](
					p, `document.documentElement.scrollWidth > innerWidth`,
				) {
					t.Errorf("%s is too wide for a %s", name, size)
				}
				p.Screenshot(filepath.Join(*pictures, fmt.Sprintf("%s-%s-%s-refused.png", name, size, scheme)))
			}
		}
	}
}
