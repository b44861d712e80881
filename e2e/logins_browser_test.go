package e2e

import (
	"errors"
	"net/http"
	"path/filepath"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// An admin makes a token, which works at once, ends it, and ends a login, whose page is logged out under the reader's
// hands.
func TestBrowser_Logins(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	data := t.TempDir()
	for name, role := range map[string]string{"ann": "admin", "olga": "operator"} {
		if status, out := asUser(t, name+"'s password", "add", name, "-role", role, "-data", data); status != 0 {
			t.Fatal(out)
		}
	}
	n := startConvoy(t, "-data", data)
	operator := logInAs(t, n, "olga", "olga's password")
	operator.Wait(`window.convoy?.panes.size === 1`)
	admin := logInAs(t, n, "ann", "ann's password")
	admin.Wait(`window.convoy?.panes.size >= 1`)
	fromMenu(admin, "/logins")
	admin.Wait(
		`document.querySelectorAll(".logins tbody tr").length === 2 && document.querySelector(".badge")?.textContent === ` +
			`"here"`,
	)

	admin.Do(`document.querySelector("[name=name]").value = "ci"`)
	admin.Click("#token-make button")
	admin.Wait(`document.querySelector("#token-text")?.value.startsWith("convoy_") && ` +
		`document.activeElement.id === "token-text" && ` +
		`!document.querySelector("#token-make button").disabled && document.querySelector("section tbody tr")`)
	token := browser.Eval[string](admin, `document.querySelector("#token-text").value`)
	byToken := client.New(n.Base, token)
	defer byToken.Close()
	if _, err := byToken.Nodes(testkit.Context(t)); err != nil {
		t.Errorf("by the token: %v", err)
	}
	if *pictures != "" {
		admin.Screenshot(filepath.Join(*pictures, "logins.png"))
		admin.Scheme("dark")
		admin.Resize(390, 844)
		admin.Screenshot(filepath.Join(*pictures, "logins-phone.png"))
		admin.Resize(1280, 800)
		admin.Scheme("light")
	}
	admin.Reload()
	admin.Wait(`document.querySelector("section tbody tr")?.textContent.includes("ci")`)
	admin.Click("section .remove")
	admin.Click("#confirm [value=yes]")
	admin.Wait(`!document.querySelector("section tbody tr")`)
	_, err := byToken.Nodes(testkit.Context(t))
	if refused, ok := errors.AsType[*client.Problem](err); !ok || refused.Status != http.StatusUnauthorized {
		t.Errorf("by the token that was ended: %v", err)
	}
	admin.Click(".logins .remove")
	admin.Click("#confirm [value=yes]")
	operator.Wait(`document.body.dataset.link === "loggedout"`)
	admin.Clean()

	admin.Click("[hx-delete='/logins']")
	admin.Click("#confirm [value=yes]")
	admin.Wait(`location.pathname === "/login" && document.querySelector("#name")`)
}

// A page whose cookie is gone while its stream is open shows that at the next key, or at the next command.
func TestBrowser_ForgottenLogin(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	const shown = `document.querySelector("#link a[data-when=loggedout]").checkVisibility()`
	for what, do := range map[string]func(p *browser.Page, key string){
		"a key":     func(p *browser.Page, key string) { p.FocusPane(key); p.Type("x") },
		"a command": func(p *browser.Page, _ string) { p.Do(`document.querySelector("#spawn").click()`) },
	} {
		p := browse(t, n, n.host())
		key := selfShell(t, n, p)
		p.Wait(`!` + shown)
		p.ForgetCookies()
		do(p, key)
		t.Log(what)
		p.Wait(shown)
	}
}
