package e2e

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/pushtest"
	"convoy/internal/testkit"
)

// startPushing starts a node in a process of its own that trusts a push service at a loopback address.
func startPushing(t *testing.T, service *pushtest.Service, args ...string) *client.Client {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw}
	testkit.Must(t, os.WriteFile(ca, pem.EncodeToMemory(block), 0o600))
	args = append(
		args, "-addr", "127.0.0.1:0", "-data", t.TempDir(), "-system-shell", "first", "-system-user", "root", "-push", "any",
	)
	cmd := exec.Command(os.Args[0], append(aloneArgs("pushing.test"), args...)...)
	cmd.Env = []string{"SSL_CERT_FILE=" + ca}
	return startCommand(t, cmd)
}

const workerIsActive = `navigator.serviceWorker.ready.then(({ active }) => active.state === "activated")`

// subscribeBy makes pages subscribe to a push service: the real ones of browsers are on the Internet.
func subscribeBy(b *pushtest.Browser) string {
	return fmt.Sprintf(`PushManager.prototype.getSubscription = async () => null;
		PushManager.prototype.subscribe = async function ({ userVisibleOnly, applicationServerKey }) {
			if (!userVisibleOnly) throw new Error("silent pushes");
			window.subscribedWith = applicationServerKey;
			return { toJSON: () => ({ endpoint: %q, keys: { p256dh: %q, auth: %q } }) };
		}`, b.Endpoint, b.P256DH(), b.Auth())
}

// shown is the notification that the service worker shows until the user acts, once there is one with that text.
func shown(p *browser.Page, text string) (title, tag string, actions []string) {
	p.Wait(fmt.Sprintf(`navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((all) => {
		window.note = all.find(({ title, body, requireInteraction }) => requireInteraction && (title + body).includes(%q));
		return window.note })`, text))
	actions = browser.Eval[[]string](p, `note.actions.map(({ action }) => action)`)
	return browser.Eval[string](p, `note.title`), browser.Eval[string](p, `note.tag`), actions
}

// A user makes a browser get notifications, closes every page, and answers a question from the notification.
func TestBrowser_PushWithoutAPage(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	service := pushtest.New(t)
	n := startPushing(t, service)
	p := browser.Whole(t).Open(t, n.Base+"/?token="+testToken)
	p.Wait(`document.querySelector("[role=tab][data-shell]") && location.search === ""`)
	p.Wait(workerIsActive)
	p.Allow("notifications")
	node := browser.Eval[string](p, `document.querySelector(".node").dataset.node`)
	key := node + "/" + browser.Eval[string](p, `document.querySelector("[role=tab][data-shell]").dataset.shell`)
	waitPrompt(p, key)
	subscribeByClick(p, service, node)
	enter(p, key, `sh -c 'printf "Over""write? [y/N] "; read it; echo "got:$it:"'`)
	answerByNotification(t, p, service, key)
	p.Clean()
}

// subscribeByClick makes a browser get notifications of a node's shell, as a user does.
func subscribeByClick(p *browser.Page, service *pushtest.Service, node string) {
	p.Click(card(node) + " .shell-acts [aria-label=More]")
	p.Click(card(node) + " [data-tool=alert]")
	p.Wait(`document.querySelector("#push [data-action=push]")`)
	b := service.Subscribe(browser.Eval[string](p, `document.querySelector("#push").dataset.key`))
	p.Do(subscribeBy(b))
	if *pictures != "" {
		p.Screenshot(filepath.Join(*pictures, "push-off.png"))
	}
	p.Click("#push [data-action=push]")
	p.Wait(`document.querySelector("#push [hx-delete]")`)
	p.Click("#alert [name=waits]")
	p.Click("#alert .alert-form [type=submit]")
	p.Wait(`document.querySelector("#alert .said").textContent === "Saved."`)
	if *pictures != "" {
		p.Screenshot(filepath.Join(*pictures, "push-on.png"))
		p.Scheme("dark")
		p.Resize(390, 844)
		p.Screenshot(filepath.Join(*pictures, "push-on-phone.png"))
		p.Resize(1280, 800)
	}
	p.Click("#alert [command=close]")
}

// answerByNotification answers the question of which a browser is told.
func answerByNotification(t *testing.T, p *browser.Page, service *pushtest.Service, key string) {
	t.Helper()
	var m pushtest.Message
	select {
	case m = <-service.Got:
	case <-testkit.Context(t).Done():
		t.Fatal("no message came")
	}
	p.Push(string(m.Text))
	title, tag, actions := shown(p, "Overwrite? [y/N]")
	if tag != key || fmt.Sprint(actions) != "[y n enter]" && fmt.Sprint(actions) != "[y n]" ||
		!strings.Contains(title, "on pushing waits") {
		t.Errorf("shown: %q, %q, %q", title, tag, actions)
	}
	press := `registration.getNotifications().then(async ([notification]) => {
		const event = new NotificationEvent("notificationclick", { notification, action: "y" });
		const done = []; event.waitUntil = (work) => done.push(work); dispatchEvent(event); await Promise.all(done) })`
	p.InWorker(strings.Replace(press, `action: "y"`, `action: ""`, 1) + ".catch(() => {})") // no click, so no focus
	p.Wait(fmt.Sprintf(`decodeURIComponent(location.hash) === %q`, "#"+key))
	p.Push(string(m.Text))
	shown(p, "Overwrite? [y/N]")
	p.InWorker(press)
	p.WaitScreen(key, "got:y:")
	p.Push(string(m.Text))
	shown(p, "Overwrite? [y/N]")
	p.InWorker(press) // with a pass that was used
	shown(p, "Not answered")
}

// While the console cannot be reached, a page shows that, and opens again by itself. The browser keeps nothing that
// needs a login, and nothing at all after logging out.
func TestBrowser_Offline(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	addr, data := testkit.FreeAddr(t), t.TempDir()
	start := func() process {
		cmd := exec.Command(os.Args[0], append(aloneArgs("offline.test"), "-addr", addr, "-base-path", "/convoy",
			"-data", data)...)
		return process{startCommand(t, cmd), cmd}
	}
	n := start()
	site := "http://" + addr + "/convoy"
	p := browser.Shared(t).Open(t, site+"/?token="+testToken)
	p.Wait(workerIsActive)
	if scope := browser.Eval[string](p, `navigator.serviceWorker.ready.then(({ scope }) => scope)`); scope != site+"/" {
		t.Errorf("the service worker's scope is %s", scope)
	}
	p.Go(site + "/guide")
	p.Wait(`document.querySelector("article.prose")`)
	const kept = `caches.keys().then((all) => Promise.all(all.map((one) => caches.open(one).then((c) => c.keys()))))
		.then((all) => all.flat().map(({ url }) => new URL(url).pathname.replace(/[0-9a-f]{16}/, "BUILD")).sort().join(" "))`
	if got := browser.Eval[string](p, kept); got != "/convoy/assets/BUILD/dist/offline.js "+
		"/convoy/assets/BUILD/dist/page.css /convoy/assets/BUILD/dist/theme.js /convoy/assets/BUILD/favicon.svg "+
		"/convoy/assets/BUILD/icon-192.png /convoy/assets/BUILD/icons.svg /convoy/offline" {
		t.Errorf("the browser keeps %s", got)
	}
	if got := browser.Eval[bool](p, `caches.match("/convoy/offline").then((page) => page.text()).then((text) =>
		text.includes("Log out") || text.includes("data-role"))`); got {
		t.Error("the page that is kept depends on the login")
	}
	kill(t, n.cmd.Process.Pid)
	n.cmd.Wait() //nolint:errcheck // it was killed
	p.Reload()
	p.Wait(`document.querySelector("h1").textContent === "Convoy cannot be reached"`)
	p.Wait(`location.pathname === "/convoy/guide"`)
	for _, scheme := range []string{"dark", "light"} {
		if p.Scheme(scheme); *pictures != "" {
			p.Wait(fmt.Sprintf(`document.documentElement.dataset.theme === %q`, scheme))
			p.Screenshot(filepath.Join(*pictures, "offline-"+scheme+".png"))
		}
	}
	p.Click("#again") // it still cannot
	start()
	p.Wait(`document.querySelector("article.prose")`)
	p.Click("#menu-button")
	p.Follow(`form[action="/convoy/logout"] button`)
	p.Wait(`location.pathname === "/convoy/login"`)
	p.Wait(`navigator.serviceWorker.getRegistrations().then((all) => all.length === 0)`)
	p.Wait(`caches.keys().then((all) => all.length === 0)`)
}

// A link of another site to a request that no other site may cause is refused with the service worker, too.
func TestBrowser_OtherSitesBehindTheWorker(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	p.Wait(workerIsActive)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="%s/login/openid">A prize</a>`, n.Base)
	}))
	t.Cleanup(evil.Close)
	p.Go(strings.Replace(evil.URL, "127.0.0.1", "localhost", 1))
	p.Follow("a")
	p.Wait(`document.querySelector(".status").textContent === "403"`)
}

// In full screen the browser gives the shell keys that it keeps otherwise.
func TestBrowser_FullScreen(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	key := selfShell(t, n, p)
	p.Do(`{ const lock = navigator.keyboard.lock.bind(navigator.keyboard);
		navigator.keyboard.lock = async (keys) => { await lock(keys); window.locked = keys.join(" ") } }`)
	p.Click("#menu-button")
	p.Click("#menu [data-action=full-screen]")
	p.Wait(`document.fullscreenElement && window.locked === "KeyW KeyT KeyN Escape"`)
	p.FocusPane(key)
	p.Type("echo kept removed")
	p.Press("Ctrl+w")
	p.Press("Enter")
	p.WaitScreen(key, "\nkept\n")
	p.Click("#menu-button")
	p.Click("#menu [data-action=full-screen]")
	p.Wait(`!document.fullscreenElement`)
	p.Clean()
}
