package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// shelve writes runbooks into a directory.
func shelve(t *testing.T, books map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range books {
		testkit.Must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

const rollout = `# Roll out <b>the</b> *new* version

What we do after each release. It says how far the nodes agree, and [where to look](#if-it-fails) if one does not.

Everybody has to see everybody:

` + "```convoy\n[n.status for n in fleet.nodes()]\n```" + `

Who are they, and how are they?

` + "```sh\necho one; echo I am $CONVOY_NODE; printf '\\033[31mred\\033[0m\\n'\n```" + `

The control plane is not ready yet:

` + "```sh\ncase $CONVOY_NODE in convoy@convoy.*) echo not ready >&2; exit 3;; esac\n```" + `

## If it fails

` + "```sh\necho the last step\n```\n"

// openRunbook goes from the console to a runbook.
func openRunbook(t *testing.T, p *browser.Page, name string) {
	t.Helper()
	follow(p, ".tools a[href='/runbooks']")
	follow(p, fmt.Sprintf(`.runbook-list a[href="/runbooks/%s"]`, name))
	p.Wait(
		`document.querySelectorAll(".code-bar [data-action=run-step]").length === ` +
			`document.querySelectorAll("figure[data-kind]").length`,
	)
}

// results is what is shown below a step, as text.
func results(p *browser.Page, step int) string {
	return browser.Eval[string](p, fmt.Sprintf(`document.querySelector("#step-%d + .results").innerText`, step))
}

// done is met when a step has been run, and with it the run.
func done(step int, state string) string {
	return fmt.Sprintf(
		`document.querySelector('.run-list [data-step="%d"]').dataset.state === %q && `+
			`!document.querySelector("#run-poll[hx-get]")`, step, state,
	)
}

// Three nodes, a runbook of four steps: they run on all nodes, the results are put together, and a step that fails on
// one node stops the rest, until someone continues.
func TestBrowser_Runbook(t *testing.T) {
	t.Parallel()
	dir := shelve(t, map[string]string{"rollout.md": rollout})
	n := startBash(t, "-runbooks", dir)
	a, b := n.spawnAlive(t), n.spawnAlive(t)
	p := browse(t, n, n.host())
	p.Resize(1400, 900)
	openRunbook(t, p, "rollout")
	if title := browser.Eval[string](p, `document.title`); title != "Roll out <b>the</b> new version · Convoy" {
		t.Errorf("the title is %q", title)
	}
	p.Wait(`document.querySelectorAll("#run-nodes input:checked").length === 3`)
	p.Click("#run-all")
	p.Wait(done(3, "failed"))
	checkStopped(t, p, a.Name, b.Name)
	p.Clean()

	p.Reload()
	p.Wait(`document.querySelector("#step-3 + .results").innerText.includes("before this page was loaded")`)
	if got := results(p, 2); !strings.Contains(got, "I am "+a.Name) {
		t.Errorf("after a reload step 2 shows\n%s", got)
	}
	p.Click("#run-nodes label:first-child")
	p.Click("#step-3 [data-action=run-step]")
	p.Wait(done(3, "ok"))
	if got := results(p, 3); !strings.Contains(got, "The same on 2 nodes") {
		t.Errorf("without the control plane step 3 shows\n%s", got)
	}

	p.Click("#run-nodes label:first-child")
	p.Click("#run-all")
	p.Wait(
		`document.querySelector("[data-action=go-on]")?.textContent === "Continue with step 4" && ` +
			`document.querySelector(".run-where").checkVisibility()`,
	)
	p.Click("[data-action=go-on]")
	p.Wait(`document.querySelector(".run-where p").textContent === "All 4 steps are done, on 3 nodes."`)
	p.Clean()
}

// checkStopped checks the results of the steps up to the third, at which the run has stopped. Two nodes have names.
func checkStopped(t *testing.T, p *browser.Page, a, b string) {
	t.Helper()
	for step, want := range map[int][]string{
		1: {"The same on 3 nodes", `["alive", "alive", "alive"]`, "ok"},
		2: {"All 3 nodes differ", "I am " + a, "I am " + b, "I am convoy@convoy.convoy.internal", "\nred",
			"exit 0"},
		3: {"2 nodes agree, 1 differs", "not ready", "exit 3", "exit 0", "no output"},
	} {
		got := results(p, step)
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("step %d shows\n%s\nwithout %q", step, got, part)
			}
		}
	}
	if marked := browser.Eval[string](
		p, `[...document.querySelectorAll("#step-2 + .results mark")].map(m => m.textContent).join()`,
	); strings.Count(marked, "I am ") != 3 || strings.Contains(marked, "red") {
		t.Errorf("marked in step 2: %q", marked)
	}
	p.Wait(
		`document.querySelector(".run-where p").textContent === "Stopped at step 3: it failed on convoy." && ` +
			`document.querySelector("#run-said").textContent.trim() === "Stopped at step 3: it failed on convoy."`,
	)
	if after := browser.Eval[bool](p, `document.querySelector("#step-4 + .results").hidden`); !after {
		t.Error("the step after the one that failed has run")
	}
}

// Stop ends what runs, on the nodes as well; an edit shows at once; a node that comes is chosen, one that was not stays
// so.
func TestBrowser_RunbookStops(t *testing.T) {
	t.Parallel()
	left := filepath.Join(t.TempDir(), "pid")
	dir := shelve(
		t, map[string]string{"slow.md": "# Slow\n\n```sh\necho $$ > " + left + "; sleep 1000\n```\n\n```sh\necho two\n```\n"},
	)
	n := startBash(t, "-runbooks", dir)
	p := browse(t, n, n.host())
	openRunbook(t, p, "slow")
	p.Click("#run-all")
	p.Wait(`/^[1-9]/.test(document.querySelector(".result-wait time")?.textContent)`) // seconds
	var pid []byte
	testkit.Eventually(t, "the command runs", func() bool {
		pid, _ = os.ReadFile(left) //nolint:errcheck // it is not there yet
		return len(pid) > 0
	})
	ended := gone(strings.TrimSpace(string(pid)))
	p.Click("#run-stop")
	p.Wait(done(1, "stopped"))
	if got := results(p, 1); !strings.Contains(got, "stopped") {
		t.Errorf("the stopped step shows\n%s", got)
	}
	testkit.Eventually(t, "the end of the command", ended)
	p.Wait(`document.querySelector(".run-where p").textContent === "You stopped step 1."`)

	p.Click("#run-nodes label")
	p.Click("#step-2 [data-action=run-step]")
	p.Wait(`document.querySelector(".run-where p").textContent === "Choose at least one node."`)
	made := n.spawnAlive(t)
	p.Do(`dispatchEvent(new Event("focus"))`)
	p.Wait(
		fmt.Sprintf(
			`document.querySelectorAll("#run-nodes input").length === 2 && document.querySelector('#run-nodes [value="%s"]')`,
			made.Name,
		),
	)
	p.Click("#run-nodes label:last-child")
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "slow.md"), []byte("# Slow\n\n```sh\necho edited\n```\n"), 0o600))
	p.Reload()
	p.Wait(
		`document.querySelectorAll("figure[data-kind]").length === 1 && document.querySelector("#step-1 + .results").hidden`,
	)
	p.Click("#run-all")
	p.Wait(done(1, "ok"))
	if got := results(p, 1); !strings.Contains(got, "edited") {
		t.Errorf("the edited step shows\n%s", got)
	}
	p.Clean()
}

// Seven tabs of one browser, which has six connections over HTTP/1.1, run steps, and still the page answers. A run ends
// with its page.
func TestBrowser_RunbookInTabs(t *testing.T) {
	t.Parallel()
	left := t.TempDir()
	dir := shelve(t, map[string]string{
		"slow.md": "# Slow\n\n```sh\necho $$ > $(mktemp -p " + left + "); sleep 1000\n```\n",
	})
	n := startBash(t, "-runbooks", dir)
	p := browse(t, n, n.host())
	openRunbook(t, p, "slow")
	tabs := []*browser.Page{p}
	for len(tabs) < 7 {
		tabs = append(tabs, p.Tab(n.Base+"/runbooks/slow"))
	}
	for _, tab := range tabs {
		tab.Click("#run-all")
		tab.Wait(`document.querySelector(".result-wait time")`)
	}
	pids := func() (all []string) {
		files, _ := filepath.Glob(filepath.Join(left, "*"))
		for _, file := range files {
			pid, err := os.ReadFile(file)
			testkit.Must(t, err)
			all = append(all, strings.TrimSpace(string(pid)))
		}
		return all
	}
	testkit.Eventually(t, "all run", func() bool { all := pids(); return len(all) == 7 && !slices.Contains(all, "") })
	var steps []func() bool
	for _, pid := range pids() {
		steps = append(steps, gone(pid))
	}
	tabs[6].Click("#run-stop")
	tabs[6].Wait(done(1, "stopped"))
	p.Clean()
	for _, tab := range tabs { // they are not closed: Chromium gives a closing page 500 ms, on a busy machine, too
		tab.Go(n.Base + "/guide")
	}
	for _, ended := range steps {
		testkit.Eventually(t, "the end of a step", ended)
	}
}

// A block is copied, and another one is run in a shell of another node.
func TestBrowser_RunIn(t *testing.T) {
	t.Parallel()
	dir := shelve(
		t,
		map[string]string{
			"in.md": "# In\n\n```sh\necho typed on $CONVOY_NODE;\necho and the second line\n```\n\n```convoy\n(node.self(), 6 " +
				"*\n   7)\n```\n",
		},
	)
	n := startBash(t, "-runbooks", dir)
	made := n.spawnAlive(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	openRunbook(t, p, "in")
	p.Do(`navigator.clipboard.writeText = async (text) => { window.copied = text }`)
	p.Do(`{ const button = document.querySelector("#step-1 [data-action=copy-code]"); // says so for two seconds
		new MutationObserver(() => window.said ||= button.innerText === "Copied").observe(button, { attributes: true }) }`)
	p.Click("#step-1 [data-action=copy-code]")
	p.Wait(
		`window.copied === "echo typed on $CONVOY_NODE;\necho and the second line" && window.said`,
	)

	runIn(p, "#step-1", made.Name)
	p.Wait(
		fmt.Sprintf(
			`[...window.convoy?.panes ?? []].some(([key, pane]) => key.startsWith(%q) && pane.text().includes("\ntyped on `+
				`%s\n") && pane.text().includes("\nand the second line\n"))`,
			made.Name+"/",
			made.Name,
		),
	)
	p.Wait(`sessionStorage.getItem("convoy-run") === null`)

	openRunbook(t, p, "in")
	runIn(p, "#step-1", "convoy@convoy.convoy.internal")
	p.WaitScreen(key, "\ntyped on convoy@convoy.convoy.internal\n") // in the shell that was there
	if n := len(p.Panes()); n > 2 {
		t.Errorf("there are %d shells, want the two that were there", n)
	}

	runInNewShell(t, p, key)
	p.Clean()

	openRunbook(t, p, "in")
	p.Do(
		`sessionStorage.setItem("convoy-run", JSON.stringify({ node: "convoy@gone.convoy.internal", kind: "system", text: ` +
			`"echo never" }))`,
	)
	p.Go("http://" + n.host() + "/")
	p.Wait(`document.querySelector("#notices").innerText.includes("gone can no longer be reached.")`)
	p.Do(`navigator.clipboard.writeText = async (text) => { window.copied = text }`)
	p.Do(`[...document.querySelectorAll("#notices button")].find(b => b.textContent === "Copy the block").click()`)
	p.Wait(`window.copied === "echo never"`)
	p.Clean()
}

// runInNewShell runs a block in a shell that is opened for it, while the user begins to type in another one.
func runInNewShell(t *testing.T, p *browser.Page, key string) {
	t.Helper()
	openRunbook(t, p, "in")
	p.BeforeLoad(holding("/shells"))
	runIn(p, "#step-2", "convoy@convoy.convoy.internal") // there is no Convoy shell yet
	p.Wait(`window.release && document.querySelector(".node[data-self] [role=tab][data-kind=convoy]")`)
	p.FocusPane(key)
	p.Type("#")
	p.Do(`release()`) // the user types elsewhere by now
	p.Wait(
		`document.querySelector('.node[data-self] [role=tab][data-kind=convoy]') && ` +
			`[...window.convoy.panes.values()].some(pane => pane.text().includes('("convoy@convoy.convoy.internal", 42)'))`,
	)
	if strings.Contains(p.Screen(key), "node.self") {
		t.Errorf("the block runs in another shell:\n%s", p.Screen(key))
	}
}

// runIn presses a block's button and chooses a node.
func runIn(p *browser.Page, block, node string) {
	p.Click(block + " [data-action=run-in]")
	p.Wait(fmt.Sprintf(`document.querySelector('#run-in[open] [data-node="%s"]')`, node))
	p.Follow(fmt.Sprintf(`#run-in [data-node="%s"]`, node))
}
