//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// The node is killed three times and then upgraded to another build under vim, htop and a Convoy shell: two people
// type, one watches by a link, nobody reloads a page, no key is lost, and all see the same screen as somebody who comes
// late.
func TestBrowser_ShellsOutliveTheirNode(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	next, err := testkit.Build(t.TempDir()) // has another version than a test
	testkit.Must(t, err)
	p, exe, data := startSupervised(t)
	n := &running{Client: p.Client}
	vim, err := p.Open(testkit.Context(t), "convoy@super.test")
	testkit.Must(t, err)
	ada, grace := browse(t, n, n.host()), browse(t, n, n.host())
	for _, page := range []*browser.Page{ada, grace} {
		page.Do(`window.untouched = true`)
		waitPrompt(page, vim.Key())
	}
	enter(ada, vim.Key(), "seq 300; vim -n -u NONE -c 'set number ruler' written.txt")
	ada.WaitScreen(vim.Key(), "written.txt")
	ada.Type("i")
	watcher := browser.Shared(t).Open(t, makeLink(ada, "convoy@super.test", "watch", "for the watcher"))
	htop, convoy := p.others(t)

	node := testkit.NodeOf(p.cmd.Process.Pid)
	for round := range 4 {
		if round < 3 {
			testkit.Must(t, syscall.Kill(node, syscall.SIGKILL))
		} else {
			testkit.Must(t, os.Rename(next, exe))
			upgrade(t, exe, data)
		}
		// the typists do not wait
		ada.FocusPane(vim.Key())
		ada.Type(fmt.Sprintf("ada %d, ", round))
		node = p.anotherNode(t, node)
		watcher.WaitScreen(vim.Key(), fmt.Sprintf("ada %d,", round))
		grace.FocusPane(vim.Key())
		grace.Type(fmt.Sprintf("grace %d; ", round))
		watcher.WaitScreen(vim.Key(), fmt.Sprintf("grace %d;", round))
		_, err := htop.Reach(reach(t, htop, "Load average") + 1) // it goes on
		testkit.Must(t, err)
		convoy.Type(fmt.Appendf(nil, "x + %d\r", 1+round))
		reach(t, convoy, fmt.Sprint(4201+round))
	}
	late := browse(t, n, n.host())
	late.Click(fmt.Sprintf(`[role=tab][data-shell=%q]`, vim.ID))
	late.WaitScreen(vim.Key(), "1 ada 0, grace 0; ada 1, grace 1; ada 2, grace 2; ada 3, grace 3;")
	want := late.Screen(vim.Key())
	for _, page := range []*browser.Page{ada, grace, watcher} {
		page.Wait(fmt.Sprintf(`%s.text() === %q`, pane(vim.Key()), want))
	}
	leaveVim(t, vim.Key(), ada, grace)
	var now client.Shell
	testkit.Must(t, p.Do(testkit.Context(t), "GET", vim.Path(), nil, &now))
	if now.PID != vim.PID {
		t.Errorf("process %d became %d", vim.PID, now.PID)
	}
}

// leaveVim ends vim in the first of two pages, neither of which was reloaded.
func leaveVim(t *testing.T, key string, ada, grace *browser.Page) {
	t.Helper()
	ada.FocusPane(key)
	ada.Press("Escape")
	enter(ada, key, ":q!")
	for _, page := range []*browser.Page{ada, grace} {
		waitPrompt(page, key)
		page.WaitScreen(key, "\n300\n") // the screen before vim is back
		if !browser.Eval[bool](page, `window.untouched`) {
			t.Error("the page was reloaded")
		}
	}
}

// others opens a shell with htop and a Convoy shell in which x is 4200.
func (p process) others(t *testing.T) (htop, convoy *client.ResilientTerminal) {
	t.Helper()
	htop, convoy = p.terminal(t, "system"), p.terminal(t, "convoy")
	htop.Type([]byte("htop -d 2\r"))
	reach(t, htop, "Load average")
	reach(t, convoy, "convoy@super.test")
	convoy.Type([]byte("x = 4200\r"))
	return htop, convoy
}

// terminal opens a shell of a kind, and follows it.
func (p process) terminal(t *testing.T, kind string) *client.ResilientTerminal {
	t.Helper()
	shell, err := p.OpenKind(testkit.Context(t), "convoy@super.test", kind)
	testkit.Must(t, err)
	own := client.New(p.Base, p.Token)
	t.Cleanup(own.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // of the whole test, on a busy machine
	t.Cleanup(cancel)
	page := own.AttachResilient(ctx, shell, 0, 1<<20)
	t.Cleanup(page.Close)
	return page
}

// reach waits until a terminal's output holds text, and returns how much there is.
func reach(t *testing.T, page *client.ResilientTerminal, text string) int64 {
	t.Helper()
	got, err := page.ReachText(text)
	if err != nil {
		t.Fatalf("waiting for %q: %v; there is %q", text, err, got[max(0, len(got)-1000):])
	}
	return int64(len(got))
}
