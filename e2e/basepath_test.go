package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"convoy/cli"
	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// startBelow starts a console below /convoy of a site, whose server is a real proxy with the documented settings that
// contain a text, and opens it in a browser with the link that the node printed.
func startBelow(t *testing.T, proxy, text string) (n *running, site string, p *browser.Page) {
	t.Helper()
	n = startBash(t, "-base-path", "/convoy", "-trusted-proxies", "loopback")
	settings := testkit.Block(t, "docs/operations.md", text)
	settings = strings.Replace(settings, "client_max_body_size 64m", "client_max_body_size 1m", 1)
	site = testkit.Proxy(t, proxy, settings, "http://"+n.link(t).Host)
	p = browser.Shared(t).Open(t, site+n.link(t).RequestURI())
	p.Wait(`document.querySelector("#nodes") && location.search === ""`)
	return n, site, p
}

// upload drops a file of that size on a pane.
func upload(p *browser.Page, key, name string, size int) {
	p.Do(fmt.Sprintf(`{ const data = new DataTransfer(); data.items.add(new File([new Uint8Array(%d)], %q));
		document.querySelector('%s .xterm-screen').dispatchEvent(
			new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })) }`,
		size, name, paneSelector(key)))
}

// Below a path of a site, behind a proxy, everything works that works at the top of one, and nothing is asked of the
// rest of the site.
func TestBrowser_BelowAPath(t *testing.T) {
	t.Parallel()
	n, site, p := startBelow(t, "nginx", "location /convoy/ {")
	if path := n.link(t).Path; path != "/convoy/" {
		t.Errorf("the printed link leads to %s", path)
	}
	selfShell(t, n, p)
	name, key := spawnByClick(t, n, p)
	dir := t.TempDir()
	enter(p, key, "cd "+dir+"; echo typed-$((40+2)) | tee made")
	p.WaitScreen(key, "typed-42")

	upload(p, key, "small.bin", 4096)
	waitText(p, "#notices", "small.bin is in "+dir)
	if info, err := os.Stat(filepath.Join(dir, "small.bin")); err != nil || info.Size() != 4096 {
		t.Errorf("the file that was uploaded: %v, %v", info, err)
	}
	p.Do(keepDownloads)
	p.Do(fmt.Sprintf(`document.querySelector('%s [data-tool="Download a file…"]').click()`, paneSelector(key)))
	p.Wait(`document.querySelector("dialog[open] input")`)
	p.Type("made")
	p.Press("Enter")
	p.Wait(`window.saved === "made"`)
	if got := browser.Eval[string](p, `fetch(from).then(a => a.text())`); got != "typed-42\n" {
		t.Errorf("the file that came back is %q", got)
	}

	link := makeLink(p, name, "type", "for Ada")
	if !strings.HasPrefix(link, site+"/convoy/share/") {
		t.Errorf("the link is %s", link)
	}
	guest := browser.Shared(t).Open(t, link)
	guest.WaitScreen(key, "typed-42")
	enter(guest, key, "echo by-$((6*7))-link")
	p.WaitScreen(key, "by-42-link")

	for _, path := range []string{"/guide", "/runbooks", "/recordings", "/audit", "/logins"} {
		fromMenu(p, "/convoy"+path)
		p.Wait(fmt.Sprintf(`location.pathname === "/convoy%s" && document.querySelector("#main h1")`, path))
	}
	p.Follow(`a.button[href="/convoy/"]`)
	p.Wait(`document.querySelector("#nodes")`)
	for _, page := range []*browser.Page{p, guest} {
		page.Clean()
		if failed := refused(page); len(failed) > 0 {
			t.Errorf("refused: %q", failed)
		}
	}
	fromMenu(p, "/convoy/guide")
	p.Follow(`main a[href="/convoy/guide/shells"]`)
	p.Click("#menu-button")
	p.Follow(`form[action="/convoy/logout"] button`)
	p.Wait(`location.pathname === "/convoy/login" && document.cookie === ""`)
	p.Go(site + "/convoy/")
	p.Wait(`location.pathname === "/convoy/" && document.querySelector('form[action="/convoy/login"]')`)
}

// asked is what a browser or htmx requests for an element.
const asked = `href, src, action, hx-get, hx-post, hx-delete, hx-action, data-src, data-carrier`

// No page has an address outside the path.
func TestPagesBelowAPath(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil, "-base-path", "/convoy", "-runbooks", "guide")
	node := onlyNode(t, n)
	_, err := n.Open(testkit.Context(t), node)
	testkit.Must(t, err)
	for _, path := range []string{
		"/", "/login", "/guide", "/guide/runbooks", "/runbooks", "/runbooks/runbooks", "/recordings", "/audit", "/logins",
		"/nodes/" + node, "/nowhere",
	} {
		page, err := goquery.NewDocumentFromReader(strings.NewReader(get(t, n.Client, path, "text/html")))
		testkit.Must(t, err)
		found := 0
		for name := range strings.SplitSeq(asked, ", ") {
			page.Find("[" + name + "]").Each(func(_ int, element *goquery.Selection) {
				address := element.AttrOr(name, "")
				if found++; strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "/convoy/") {
					t.Errorf("%s: %s=%q", path, name, address)
				}
			})
		}
		if found < 10 {
			t.Errorf("%s has only %d addresses", path, found)
		}
	}
}

// The same for the login through a provider.
func TestBrowser_OpenIDBelowAPath(t *testing.T) {
	t.Parallel()
	n, _ := startOpenID(t, "-base-path", "/convoy")
	p := pressOpenID(t, n, "ann")
	p.Wait(`window.convoy?.panes.size === 1 && location.pathname === "/convoy/"`)
	p.Clean()
}

// Clients use the console below its path; health checks, and proxies that remove the path, use it without.
func TestBelowAPath(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil, "-base-path", "/convoy")
	at := "http://" + n.link(t).Host
	web := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer web.CloseIdleConnections()
	for _, test := range []struct {
		ask, want string // want: status, Location, Path of the cookie
	}{
		{"GET /healthz", "200  "},
		{"GET /convoy/healthz", "200  "},
		{"GET /convoy", "401  "},
		{"GET /convoyx", "404  "},
		{"GET /convoy/convoy/", "404  "},
		{"GET /convoy/%2e%2e/login", "404  "},
		{"GET /convoy/?token=" + n.Token, "303 /convoy/?claim=… /convoy"},
		{"GET /?token=" + n.Token, "303 /convoy/?claim=… /convoy"},
		{"POST /convoy/nodes bearer", "201 /convoy/nodes/… "},
	} {
		part := strings.Fields(test.ask)
		r, err := http.NewRequestWithContext(testkit.Context(t), part[0], at+part[1], nil)
		testkit.Must(t, err)
		if len(part) > 2 {
			r.Header.Set("Authorization", "Bearer "+n.Token)
		}
		answer, err := web.Do(r)
		testkit.Must(t, err)
		answer.Body.Close()
		to := regexp.MustCompile(`(claim=|nodes/).+`).ReplaceAllString(answer.Header.Get("Location"), "$1…")
		got := fmt.Sprintf("%d %s ", answer.StatusCode, to)
		for _, cookie := range answer.Cookies() {
			got += cookie.Path
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.ask, got, test.want)
		}
	}
	var out, errs strings.Builder
	env := testEnv(map[string]string{"CONVOY_TOKEN": n.Token})
	args := []string{"shell", "-connect", n.Base + "/", "-c", "node.self()"}
	status := cli.Run(t.Context(), args, env, nil, &out, &errs)
	if status != 0 || !strings.Contains(out.String(), "convoy@") {
		t.Errorf("convoy shell: %d, %s%s", status, out.String(), errs.String())
	}
}

// The same for a shell below a path of Caddy.
func TestBrowser_BelowAPathOfCaddy(t *testing.T) {
	t.Parallel()
	n, site, p := startBelow(t, "caddy", "handle /convoy/* {")
	key := selfShell(t, n, p)
	enter(p, key, "echo typed-$((40+2))")
	p.WaitScreen(key, "typed-42")
	if link := makeLink(p, onlyNode(t, n), "watch", "for Ada"); !strings.HasPrefix(link, site+"/convoy/share/") {
		t.Errorf("the link is %s", link)
	}
	p.Clean()
}

// The page says whose limit a file has met, and how to raise it.
func TestBrowser_ProxysLimit(t *testing.T) {
	t.Parallel()
	n, _, p := startBelow(t, "nginx", "location /convoy/ {")
	key := selfShell(t, n, p)
	upload(p, key, "large.bin", 3<<20)
	waitText(p, "#notices", "large.bin was not uploaded.")
	waitText(p, "#notices", "larger than the proxy in front of Convoy allows")
	waitText(p, "#notices", "client_max_body_size")
}
