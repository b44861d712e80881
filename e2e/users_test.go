package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/cli"
	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// asUser runs convoy user with what is typed.
func asUser(t *testing.T, typed string, args ...string) (status int, out string) {
	t.Helper()
	var text strings.Builder
	status = cli.Run(
		testkit.Context(t), append([]string{"user"}, args...), testEnv(nil), strings.NewReader(typed), &text, &text,
	)
	return status, text.String()
}

// logInAs logs a fresh page in with a name and a password.
func logInAs(t *testing.T, n *running, name, password string) *browser.Page {
	t.Helper()
	p := browser.Shared(t).Open(t, "http://"+n.host()+"/login")
	p.Wait(`document.querySelector("#name")`)
	p.Do(
		fmt.Sprintf(
			`document.querySelector("#name").value = %q; document.querySelector("#password").value = %q`, name, password,
		),
	)
	p.Click("form button[type=submit]")
	return p
}

// onlyOwnHistory goes back in a shell to the first line that its user has typed: there are no others' before it, though
// an admin has typed on this node.
func onlyOwnHistory(t *testing.T, p *browser.Page, key, data string) {
	t.Helper()
	for range 3 {
		p.Press("ArrowUp")
	}
	p.Type("#")
	p.Wait(fmt.Sprintf(`/\(\d+\)> .*#$/.test(window.convoy.panes.get(%q).text().trimEnd())`, key))
	if text := strings.TrimSpace(p.Screen(key)); !strings.HasSuffix(text, "> 'mine ' + 'own'#") {
		t.Errorf("an operator's oldest line is not the first that was typed:\n%s", text)
	}
	if kept := histories(t, data); len(kept) != 2 ||
		strings.Contains(kept[0], "6 * 7") == strings.Contains(kept[1], "6 * 7") {
		t.Errorf("of an admin and an operator is kept: %q", kept)
	}
}

// histories are what is kept of what was typed in Convoy shells, by user. Nobody else may read it.
func histories(t *testing.T, data string) (kept []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "histories", "*", "*"))
	testkit.Must(t, err)
	for _, file := range files {
		info, err := os.Stat(file)
		testkit.Must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		if filepath.Ext(file) != ".lock" {
			kept = append(kept, string(text))
		}
	}
	return kept
}

// seen reports whether a page shows an element.
func seen(p *browser.Page, selector string) bool {
	return browser.Eval[bool](p, fmt.Sprintf(`!!document.querySelector(%q)?.checkVisibility()`, selector))
}

// operatorSees checks what the page, with its menu, offers an operator.
func operatorSees(t *testing.T, operator *browser.Page) {
	t.Helper()
	operator.Click("#menu-button")
	for selector, want := range map[string]bool{"#spawn": true, "[data-action=open-shell][data-kind=convoy]": true,
		"[data-action=open-shell][data-kind=system]": false, "[href='/audit']": false, ".record": false,
		"[href='/logins']": true, "[command=show-modal][commandfor=connect]": true} {
		if seen(operator, selector) != want {
			t.Errorf("an operator sees %s: %v", selector, !want)
		}
	}
	operator.Press("Escape")
}

// What a role may not do is not offered, and refused. An operator types in an operator's shell and watches an admin's;
// a viewer watches both.
func TestBrowser_Roles(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	data := t.TempDir()
	for name, role := range map[string]string{"ann": "admin", "olga": "operator", "vic": "viewer"} {
		if status, out := asUser(t, name+"'s password", "add", name, "-role", role, "-data", data); status != 0 {
			t.Fatal(out)
		}
	}
	n := startConvoy(t, "-data", data)
	wrong := logInAs(t, n, "olga", "ann's password")
	wrong.Wait(
		`document.readyState === "complete" && document.querySelector("#login-error")?.textContent.includes("not right") ` +
			`&& document.querySelector("#name").value === "olga"`,
	)

	admin := logInAs(t, n, "ann", "ann's password")
	admin.Wait(`window.convoy?.panes.size === 1`)
	first := admin.Panes()[0]
	waitConvoy(admin, first)
	asks(admin, first, "6 * 7", "42")

	operator := logInAs(t, n, "olga", "olga's password")
	operator.Wait(fmt.Sprintf(`window.convoy?.panes.get(%q)?.text().includes("42")`, first))
	operatorSees(t, operator)
	operator.FocusPane(first)
	operator.Type("this goes nowhere")
	operator.Click("[data-self] [data-action=open-shell][data-kind=convoy]")
	operator.Wait(`window.convoy.panes.size === 2`)
	own := strings.TrimSpace(strings.ReplaceAll(strings.Join(operator.Panes(), " "), first, ""))
	waitConvoy(operator, own)
	asks(operator, own, "'mine ' + 'own'", "mine own")
	asks(operator, own, `shells.run(node.self(), "id")`, "you need the role admin")
	onlyOwnHistory(t, operator, own, data)
	if text := admin.Screen(first); strings.Contains(text, "nowhere") {
		t.Errorf("an operator typed in an admin's shell:\n%s", text)
	}

	viewer := logInAs(t, n, "vic", "vic's password")
	viewer.Wait(fmt.Sprintf(`window.convoy?.panes.get(%q)?.text().includes("42")`, first))
	viewer.Click("#menu-button")
	for _, selector := range []string{"#spawn", "[data-action=open-shell]", "[command=show-modal][commandfor=connect]",
		"[href='/recordings']", "#broadcast-toggle"} {
		if seen(viewer, selector) {
			t.Errorf("a viewer sees %s", selector)
		}
	}
	viewer.Clean()
	operator.Clean()
	if *pictures != "" {
		viewer.Screenshot(filepath.Join(*pictures, "viewer.png"))
		wrong.Screenshot(filepath.Join(*pictures, "login.png"))
	}
}
