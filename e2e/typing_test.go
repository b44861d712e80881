package e2e

import (
	"strings"
	"testing"
	"time"

	"convoy/internal/browser"
	"convoy/internal/faultproxy"
)

// countInputs counts the input requests in flight, and their maximum.
const countInputs = `{ const send = fetch;
	window.flying = window.most = 0;
	window.fetch = (...a) => {
		if (!String(a[0]).includes("/input?")) return send(...a);
		most = Math.max(most, ++flying);
		return send(...a).finally(() => flying--);
	} }`

// stopQuiet keeps the page's inputs from counting as unanswered: quietAfter in input.js, and the time of an answer.
const stopQuiet = `{ const real = setTimeout;
	window.setTimeout = (run, ms) => ms >= 500 && ms < 2000 ? 0 : real(run, ms) }`

// As many keys are in flight as the browser has connections beside the stream, and more over HTTP/2. Those that are
// typed beyond that go together, and none is lost.
func TestBrowser_KeysInFlight(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	for _, test := range []struct {
		name string
		want int
		args []string
	}{{"HTTP1", 5, nil}, {"HTTP2", 16, []string{"-tls-self", "-data", t.TempDir()}}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := launch(t, nil, append(test.args, "-shell", "bash --norc --noprofile")...)
			link := n.link(t)
			proxy := faultproxy.Start(t, link.Host)
			link.Host = proxy.Addr()
			p := browser.Shared(t).Open(t, link.String(), func(p *browser.Page) {
				p.TrustAll()
				p.BeforeLoad(countInputs + stopQuiet)
			})
			p.Wait(`convoy.panes.size > 0`)
			key := p.Panes()[0]
			waitPrompt(p, key)
			p.FocusPane(key)
			proxy.Stall()
			for _, letter := range "echo in-order-$((6*7))" {
				p.Type(string(letter))
			}
			if most := browser.Eval[int](p, `most`); most != test.want {
				t.Errorf("%d inputs are in flight, want %d", most, test.want)
			}
			proxy.Resume()
			p.Press("Enter")
			p.WaitScreen(key, "\nin-order-42")
			p.Clean()
		})
	}
}

// A shell that opens while the user has begun to type in another one leaves that in sight, with the focus.
func TestBrowser_OpensWhileOneTypes(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	waitAnswers(p)
	p.Do(holding("/shells"))
	p.Click("[data-action=open-shell]")
	p.Wait(`window.release`)
	p.FocusPane(key)
	p.Type("echo one-")
	p.Do(`release()`)
	p.Wait(`document.querySelectorAll("[data-self] [role=tab][data-shell]").length === 2`)
	waitAnswers(p)
	p.Type("line")
	p.Press("Enter")
	p.WaitScreen(key, "\none-line")
	p.Clean()
}

// A program does not read what is pasted, and the browser's connections are all taken by input that the node holds.
// Ctrl+C gets through, over a link with a round trip of 150 ms.
func TestBrowser_InterruptsWhatDoesNotRead(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	proxy := faultproxy.Start(t, n.host())
	p := browse(t, n, proxy.Addr())
	key := selfShell(t, n, p)
	p.Do(countInputs)
	proxy.Delay(75 * time.Millisecond)
	enter(p, key, "echo sleep''ing; sleep 1000")
	p.WaitScreen(key, "sleeping")
	p.Do(pasting(strings.Repeat(`pasted\n`, 1<<17)))
	p.Click("dialog[open] .primary")
	p.Wait(`most === 5 && flying === 4`) // the fifth has given its connection up
	p.Press("Ctrl+c")
	waitPrompt(p, key)
	enter(p, key, "clear; echo fr''ee")
	p.WaitScreen(key, "free")
	if screen := p.Screen(key); strings.Contains(screen, "pasted") {
		t.Errorf("the shell got what was pasted before Ctrl+C:\n%s", screen)
	}
}
