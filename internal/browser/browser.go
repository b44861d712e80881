// Package browser is the test kit that drives a real Chromium: it opens pages,
// types, waits for conditions, reads terminals, takes screenshots, unplugs the
// network between a page and its server, and collects what pages complain of.
//
// Everything ends with the test that started it. A test is skipped where there
// is no Chromium.
package browser

import (
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// names are what Chromium is called, in the order of preference.
var names = []string{"chromium", "chromium-browser", "google-chrome"}

// deadline bounds every single step: opening, evaluating, waiting.
const deadline = 20 * time.Second

// Browser is one Chromium process with a fresh profile.
type Browser struct{ ctx context.Context }

// Start starts a browser. It skips the test if there is none to start.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := find()
	if path == "" {
		t.Skipf("no browser: none of %q is installed", names)
	}
	b, stop, err := launch(path)
	if err != nil {
		t.Fatalf("browser: start: %v", err)
	}
	t.Cleanup(stop)
	return b
}

// launch starts a browser; stop ends it and waits for it.
func launch(path string) (b *Browser, stop func(), err error) {
	allocator, free := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("force-color-profile", "srgb"),
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
	return &Browser{ctx}, stop, nil
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
	path := find()
	if path == "" {
		t.Skipf("no browser: none of %q is installed", names)
	}
	shared.once.Do(func() { shared.Browser, shared.close, shared.err = launch(path) })
	if shared.err != nil {
		t.Fatalf("browser: start: %v", shared.err)
	}
	return shared.Browser
}

// CloseShared ends the shared browser, if there is one.
func CloseShared() {
	if shared.close != nil {
		shared.close()
	}
}
