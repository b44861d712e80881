package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"convoy/access"
	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/faultproxy"
	"convoy/internal/testkit"
	"convoy/pty"
)

// makeLink makes a share link by the dialog, and returns its address.
func makeLink(p *browser.Page, node, right, label string) string {
	p.Click(card(node) + " [data-tool=share]")
	p.Wait(`document.querySelector("#share").open`)
	p.Click(fmt.Sprintf("#share [value=%s]", right))
	p.Wait(fmt.Sprintf(`document.querySelector(".share-warning").checkVisibility() === %v`, right == "type"))
	p.Do(`document.querySelector("#share [name=label]").focus()`)
	p.Type(label)
	p.Click("#share [type=submit]")
	p.Wait(`document.querySelector("#share-url")`)
	link := browser.Eval[string](p, `document.querySelector("#share-url").value`)
	p.Wait(fmt.Sprintf(`document.querySelector("#share-list").innerText.includes(%q)`, label))
	p.Click("#share-close")
	return link
}

// attending reads a shell's presence until so many are there, and returns them as "name right".
func attending(t *testing.T, n *running, key string, count int) string {
	t.Helper()
	stream, err := n.Stream(
		testkit.Context(t), url.Values{"want": {"none"}, "shell": {key}, "name": {"test"}, "watch": {"1"}},
	)
	testkit.Must(t, err)
	defer stream.Close()
	for {
		e, err := stream.Next()
		testkit.Must(t, err)
		var p pty.Presence
		if e.Name != "presence" || json.Unmarshal(e.Data, &p) != nil || p.Count != count {
			continue
		}
		var names []string
		for _, v := range p.Viewers {
			names = append(names, fmt.Sprintf("%s %v", v.Name, v.Types))
		}
		return strings.Join(names, ", ")
	}
}

// A link's page shows a shell that is smaller than its window in the usual font, and keeps it there.
func TestBrowser_ShareFont(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	guest := browser.Shared(t).Open(t, makeLink(p, onlySelf(tour{t: t, n: n}), "watch", "a small shell"))
	guest.Resize(2000, 1400)
	guest.WaitScreen(key, "bash-")
	guest.Wait(`document.querySelector(".shell-screen").dataset.fit === "other"`)
	guest.Do(`(async () => {
		for (let frame = 0; frame < 40; frame++) await new Promise(requestAnimationFrame);
	})()`)
	cell := `document.querySelector(".xterm-screen").offsetWidth / ` + pane(key) + `.size.cols`
	if got := browser.Eval[float64](guest, cell); got < 7 {
		t.Errorf("a column is %.1f px wide, want about 8 as in the console", got)
	}
	aside := browser.Eval[float64](guest, `(({ left, right }) => Math.abs(left - (innerWidth - right)))(
		document.querySelector(".xterm-screen").getBoundingClientRect())`)
	if aside > 24 {
		t.Errorf("the shell is %.0f px away from the middle", aside/2)
	}
}

// A shell of another node is shared: a user of the link sees the exact screen, without a login, and does what the
// link allows, until it is revoked.
func TestBrowser_ShareLinks(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	name, key := spawnByClick(t, n, p)
	enter(p, key, "vim -n -u NONE -c 'set number ruler' "+filepath.Join(root(t), "cli/cli.go"))
	p.WaitScreen(key, "package cli")

	watcher := browser.Shared(t).Open(t, makeLink(p, name, "watch", "for Ada"))
	p.WaitScreen(key, "Top") // vim draws it last
	watcher.Wait(fmt.Sprintf(`%s.text() === %q`, pane(key), p.Screen(key)))
	watcher.FocusPane(key)
	watcher.Type("dddddd")
	watcher.Press("Escape")
	typist := browser.Shared(t).Open(t, makeLink(p, name, "type", "for Grace"))
	typist.WaitScreen(key, "package cli")
	p.Wait(fmt.Sprintf(`document.querySelector('%s [data-tool=share]').dataset.count === "2"`, card(name)))
	typist.Click("#share-name")
	typist.Wait(`document.querySelector("dialog.asks")?.open`)
	typist.Type("Grace")
	typist.Press("Enter")
	typist.Wait(`!document.querySelector("dialog.asks") && document.body.dataset.link === "open"`)
	const want = "Grace (link) true, for Ada (link) false, test false"
	if got := attending(t, n, key, 4); !strings.HasSuffix(got, want) {
		t.Errorf("there are %s, want %s", got, want)
	}
	enter(typist, key, ":q")
	for _, page := range []*browser.Page{p, watcher, typist} {
		waitPrompt(page, key) // vim had nothing to save: the watcher's keys went nowhere
	}
	enter(typist, key, "echo typed-by''-link")
	watcher.WaitScreen(key, "typed-by-link")
	for page, shown := range map[*browser.Page]bool{watcher: false, typist: true} {
		page.Touch(390, 844)
		page.Wait(fmt.Sprintf(`document.querySelector(".shell-keys").checkVisibility() === %t`, shown))
	}

	p.Click(card(name) + " [data-tool=share]")
	for right, holder := range map[string]*browser.Page{"type": typist, "watch": watcher} {
		revokeLink(t, p, right)
		holder.Wait(`document.querySelector("#share-over:not([hidden])")?.innerText.includes("This link was revoked.")`)
		if got := holder.Screen(key); !strings.Contains(got, "typed-by-link") {
			t.Errorf("the last screen is gone:\n%s", got)
		}
	}
	p.Wait(fmt.Sprintf(`!("count" in document.querySelector('%s [data-tool=share]').dataset)`, card(name)))
	watcher.Reload()
	watcher.Wait(`document.body.innerText.includes("This link was revoked")`)
	for _, page := range []*browser.Page{p, typist, watcher} {
		page.Clean()
	}
}

// revokeLink revokes the link with a right, which has one viewer, in the dialog.
func revokeLink(t *testing.T, p *browser.Page, right string) {
	t.Helper()
	p.Wait(fmt.Sprintf(`document.querySelector("#share-list [data-right=%s]")?.innerText.includes("1 viewer")`, right))
	testkit.Eventually(t, "the question is there", func() bool { // the list may change below the pointer
		p.Click(fmt.Sprintf("#share-list [data-right=%s] button", right))
		p.Do(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`)
		return browser.Eval[bool](p, `!!document.querySelector("#confirm")?.open`)
	})
	p.Click("#confirm [value=yes]")
}

// A holder whose network is gone while the link is revoked learns why it cannot come back.
func TestBrowser_ShareRevokedWhileAway(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	s, err := n.Open(testkit.Context(t), onlyNode(t, n))
	testkit.Must(t, err)
	var made struct{ ID, URL string }
	testkit.Must(t, n.Do(testkit.Context(t), http.MethodPost, s.Path()+"/links", []byte(`{"right":"type"}`), &made))
	proxy := faultproxy.Start(t, n.host())
	p := browser.Shared(t).Open(t, "http://"+proxy.Addr()+made.URL, onTouch(360, 740))
	waitPrompt(p, s.Key())
	if wide := browser.Eval[int](p, `document.documentElement.scrollWidth`); wide > 360 {
		t.Errorf("the page is %d pixels wide on a phone of 360", wide)
	}
	proxy.Cut()
	p.Wait(`document.body.dataset.link === "open"`)
	enter(p, s.Key(), "echo back''-again")
	p.WaitScreen(s.Key(), "back-again")
	proxy.Stop()
	testkit.Must(t, n.Do(testkit.Context(t), http.MethodDelete, s.Path()+"/links/"+made.ID, nil, nil))
	p.Wait(`["waiting", "offline"].includes(document.body.dataset.link)`)
	proxy.Resume()
	p.Wait(`document.querySelector("#share-over:not([hidden])")?.innerText.includes("This link was revoked.")`)
	p.Clean()
}

func onlyNode(t *testing.T, n *running) string {
	t.Helper()
	for name := range names(t, n) {
		return name
	}
	t.Fatal("no node")
	return ""
}

// Two nodes and the real way between them: a link of one opens at the other's console.
func TestShare_AnyNodeOpensTheLink(t *testing.T) {
	t.Parallel()
	a, b := startByHand(t, "a.test"), startByHand(t, "b.test")
	if answer := a.connect(t, b.at); !answer.Connected {
		t.Fatal(answer.Reason)
	}
	(&running{Client: a.Client}).until(t, "a sees b", has("convoy@b.test", "alive"))
	ctx := testkit.Context(t)
	s, err := b.Open(ctx, "convoy@b.test")
	testkit.Must(t, err)
	var made struct{ ID, URL, By string }
	testkit.Must(t, a.Client.Do(ctx, http.MethodPost, s.Path()+"/links", []byte(`{"right":"type","expires":"5m"}`), &made))
	if made.By != access.ConsoleToken {
		t.Errorf("made by %q, want who asked the other console", made.By)
	}
	for _, console := range []byHand{a, b} {
		holder := client.New(console.Base+made.URL, "")
		defer holder.Close()
		stream, err := holder.Stream(ctx, nil)
		testkit.Must(t, err)
		defer stream.Close()
		testkit.Must(
			t, holder.Do(ctx, http.MethodPost, "/input?n=0&viewer="+holder.Viewer, []byte("echo from-$((40+2))\r"), nil),
		)
		nextGone(ctx, t, stream, "")
	}
	holder := client.New(a.Base+made.URL, "")
	defer holder.Close()
	stream, err := holder.Stream(ctx, nil)
	testkit.Must(t, err)
	defer stream.Close()
	testkit.Must(t, b.Client.Do(ctx, http.MethodDelete, s.Path()+"/links/"+made.ID, nil, nil))
	nextGone(ctx, t, stream, "this link was revoked")
}

// nextGone reads a holder's stream until the shell has answered, or, with a reason, until it is gone.
func nextGone(ctx context.Context, t *testing.T, stream *client.Stream, why string) {
	t.Helper()
	seen := ""
	for ctx.Err() == nil {
		e, err := stream.Next()
		testkit.Must(t, err)
		switch e.Name {
		case "gone":
			if why == "" || !strings.Contains(string(e.Data), why) {
				t.Fatalf("gone %s, want %q", e.Data, why)
			}
			return
		case "output":
			out, err := client.ParseOutput(e)
			testkit.Must(t, err)
			if seen += string(out.Bytes); why == "" && strings.Contains(seen, "from-42") {
				return
			}
		}
	}
}
