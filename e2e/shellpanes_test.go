package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// startConvoy starts a node for a page, whose shells are Convoy shells, as they are without flags.
func startConvoy(t *testing.T, args ...string) *running {
	t.Helper()
	browser.Need(t)
	return startNode(t, map[string]string{"CONVOY_SYSTEM_SHELL": "on"}, append([]string{"-data", t.TempDir()}, args...)...)
}

// asks types a line into a Convoy shell and waits until the screen shows what it gives, and the next prompt.
func asks(p *browser.Page, key, line, gives string) {
	// of the prompt at the end
	last := fmt.Sprintf(`Number(/\((\d+)\)>$/.exec(window.convoy.panes.get(%q).text().trimEnd())?.[1] ?? 0)`, key)
	p.Do("window.before = " + last)
	enter(p, key, line)
	p.Wait(fmt.Sprintf("%s > window.before && window.convoy.panes.get(%q).text().includes(%q)", last, key, gives))
}

// waitConvoy waits until a Convoy shell's screen ends with a prompt.
func waitConvoy(p *browser.Page, key string) {
	p.Wait(fmt.Sprintf(`/\(\d+\)>$/.test(window.convoy?.panes.get(%q)?.text().trimEnd())`, key))
}

// A node's own pane is a Convoy shell, and stays one when it is restarted; what was typed is still known, also after
// the node has been started again.
func TestBrowser_ConvoyShellInAPane(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	n := startConvoy(t, "-data", data)
	p := browse(t, n, n.host())
	p.Wait(`window.convoy.panes.size === 1`)
	key := p.Panes()[0]
	waitConvoy(p, key)
	asks(p, key, "6 * 7", "42")
	asks(p, key, "node.self()", "convoy@convoy.convoy.internal")
	asks(p, key, "nod", "did you mean node?")
	p.Press("ArrowUp")
	p.Press("ArrowUp")
	p.Press("ArrowUp")
	p.Wait(fmt.Sprintf(`window.convoy.panes.get(%q).text().trimEnd().endsWith("(4)> 6 * 7")`, key))
	p.Press("Enter")
	p.Wait(fmt.Sprintf(`window.convoy.panes.get(%q).text().trimEnd().endsWith("(5)>")`, key))
	if kept := histories(t, data); len(kept) != 1 || !strings.Contains(kept[0], "6 * 7") {
		t.Errorf("history kept: %q", kept)
	}
	var shells []client.Shell
	testkit.Must(t, n.Do(testkit.Context(t), http.MethodGet, "/nodes/convoy@convoy.convoy.internal/shells", nil, &shells))
	if len(shells) != 1 || shells[0].Kind != "convoy" || shells[0].Busy != "" {
		t.Errorf("shells: %+v", shells)
	}
	p.Do(`document.querySelector('.node[data-self] [data-action=open-shell][data-kind=system]').click()`)
	p.Wait(
		`document.querySelectorAll('.node[data-self] [role=tab][data-kind=system][data-running]').length === 1 && ` +
			`window.convoy.panes.size === 2`,
	)
	p.Clean()
}

// Without system shells nobody gets one, whichever way is tried.
func TestSystemShellsOff(t *testing.T) {
	t.Parallel()
	n := startNode(t, map[string]string{"CONVOY_SYSTEM_SHELL": "off"}, "-data", t.TempDir())
	err := n.Do(
		testkit.Context(t), http.MethodPost, "/nodes/convoy@convoy.convoy.internal/shells", []byte(`{"kind":"system"}`), nil,
	)
	if err == nil || !strings.Contains(err.Error(), "no shells of that kind") {
		t.Errorf("open a system shell: %v", err)
	}
	s, err := n.Open(testkit.Context(t), "convoy@convoy.convoy.internal")
	testkit.Must(t, err)
	if s.Kind != "convoy" {
		t.Errorf("what opens is a %s shell", s.Kind)
	}
	err = n.Do(testkit.Context(t), http.MethodPost, "/api/cmd", []byte(`{"value":"shells.run(node.self(), 'id')"}`), nil)
	if err == nil || !strings.Contains(err.Error(), "switched off") {
		t.Errorf("shells.run: %v", err)
	}
}
