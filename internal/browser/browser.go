// Package browser is the test kit that drives a real Chromium: it opens pages,
// types, waits for conditions, reads terminals, takes screenshots, and collects
// what pages complain of.
//
// Everything ends with the test that started it. A test is skipped where there
// is no Chromium. Start is for programs that are no tests.
package browser

import (
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// names are what Chromium is called, in the order of preference. The first is the one without windows, which takes
// little more than half of the others' processor time.
var names = []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"}

// deadline bounds each step: opening, evaluating, waiting. A busy machine may need much of it; none takes it unless it
// fails.
const deadline = 2 * time.Minute

// Browser is one Chromium process with a fresh profile.
type Browser struct {
	ctx context.Context
	// whole: its tabs use the profile itself.
	whole bool
}

// Need skips the test if there is no browser for it: none is installed, or the tests are to be short. Shared does so
// as well; a test that makes much before its first page calls Need.
func Need(t testing.TB) {
	t.Helper()
	need(t)
}

// need returns the path of the browser.
func need(t testing.TB) (path string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a browser, and -short goes without")
	}
	if path = find(); path == "" {
		t.Skipf("needs a browser: none of %q is installed", names)
	}
	return path
}

// Start starts a browser for a program that is no test. ctx is chromedp's; it is nil, without an error, if none is
// installed. stop ends the browser and waits for it.
func Start() (ctx context.Context, stop func(), err error) {
	path := find()
	if path == "" {
		return nil, func() {}, nil
	}
	b, stop, err := launch(path)
	if err != nil {
		return nil, func() {}, err
	}
	return b.ctx, stop, nil
}

// launch starts a browser; stop ends it and waits for it.
func launch(path string) (b *Browser, stop func(), err error) {
	allocator, free := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("enable-unsafe-swiftshader", true), // for tests that let it pass for a graphics card
		chromedp.Flag("disable-quic", true),
		// Tests' servers listen on one of localhost's addresses, and a stranger may have the same port of the other.
		chromedp.Flag("host-resolver-rules", "MAP localhost 127.0.0.1"),
		chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("force-color-profile", "srgb"),
		// All tabs matter: tests run side by side.
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-ipc-flooding-protection", true),
		chromedp.Flag("disable-hang-monitor", true),
		// Each navigation would start a process that the next one may need.
		chromedp.Flag("disable-features", "SpareRendererForSitePerProcess"),
	)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	stop = func() {
		bounded, release := context.WithTimeout(ctx, deadline)
		defer release()
		chromedp.Cancel(bounded) //nolint:errcheck // it is killed below
		cancel()
		free()
	}
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	return &Browser{ctx: ctx}, stop, nil
}

// find returns the path of the installed browser, or "".
func find() string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// shared is the browser of all tests of one test binary.
var shared struct {
	once sync.Once
	*Browser
	err   error
	close func()
}

// Shared is one browser for all tests of a test binary, started with the first one that asks: starting one for each
// costs more than most tests do. It skips the test if there is none to start. TestMain calls CloseShared.
func Shared(t testing.TB) *Browser {
	t.Helper()
	path := need(t)
	shared.once.Do(func() { shared.Browser, shared.close, shared.err = launch(path) })
	if shared.err != nil {
		t.Fatalf("browser: start: %v", shared.err)
	}
	return shared.Browser
}

// Whole is a browser that shows notifications, which the one without windows and its private tabs do not. It is the
// test's own, and its tabs share cookies and storage. It skips the test if there is none to start.
func Whole(t testing.TB) *Browser {
	t.Helper()
	need(t)
	for _, name := range names[1:] {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		b, stop, err := launch(path)
		if err != nil {
			t.Fatalf("browser: start: %v", err)
		}
		t.Cleanup(stop)
		b.whole = true
		return b
	}
	t.Skipf("needs a browser with notifications: none of %q is installed", names[1:])
	return nil
}

// CloseShared ends the shared browser, if there is one.
func CloseShared() {
	if shared.close != nil {
		shared.close()
	}
}
