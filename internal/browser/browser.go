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
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
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
	t.Cleanup(func() {
		bounded, release := context.WithTimeout(ctx, deadline)
		defer release()
		if err := chromedp.Cancel(bounded); err != nil {
			t.Logf("browser: close: %v", err)
		}
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("browser: start: %v", err)
	}
	return &Browser{ctx}
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
