package browser

import (
	"context"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"convoy/internal/testkit"
)

// Allow grants a permission, such as "notifications", to the page's origin. The page is one of [Whole].
func (p *Page) Allow(permission string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: permission, UserVisibleOnly: true},
		Setting:    browser.PermissionSettingGranted, Origin: Eval[string](p, "location.origin"),
	}); err != nil {
		p.t.Fatalf("browser: allow %s: %v", permission, err)
	}
}

// Push delivers a push message to the service worker of the page, as a push service does.
func (p *Page) Push(text string) {
	p.t.Helper()
	scope := Eval[string](p, `navigator.serviceWorker.ready.then(({ scope }) => scope)`)
	found := make(chan serviceworker.RegistrationID, 16)
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	if err := chromedp.Listen(ctx, func(event any) {
		update, ok := event.(*serviceworker.EventWorkerRegistrationUpdated)
		for i := 0; ok && i < len(update.Registrations); i++ {
			if one := update.Registrations[i]; one.ScopeURL == scope && !one.IsDeleted && len(found) < cap(found) {
				found <- one.RegistrationID
			}
		}
	}); err != nil {
		p.t.Fatalf("browser: push: %v", err)
	}
	call(p, serviceworker.Enable, cdp.Empty{})
	select {
	case id := <-found:
		call(p, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{
			Origin: Eval[string](p, `location.origin`), RegistrationID: id, Data: text,
		})
	case <-testkit.Context(p.t).Done():
		p.t.Fatalf("browser: push: %s has no service worker", scope)
	}
	call(p, serviceworker.Disable, cdp.Empty{})
}

// InWorker evaluates a JavaScript expression in the service worker of the page, which runs then. The page is one of
// [Whole].
func (p *Page) InWorker(expression string) {
	p.t.Helper()
	script := Eval[string](p, `navigator.serviceWorker.ready.then(({ active }) => active.scriptURL)`)
	var id target.ID
	testkit.Eventually(p.t, "the service worker runs", func() bool {
		p.Do(`navigator.serviceWorker.ready.then(({ active }) => active.postMessage("wake up"))`)
		all, err := chromedp.Targets(p.ctx)
		if err != nil {
			p.t.Fatalf("browser: %v", err)
		}
		for _, one := range all {
			if one.Type == "service_worker" && one.URL == script {
				id = one.TargetID
			}
		}
		return id != ""
	})
	ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id))
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise)); err != nil {
		p.t.Fatalf("browser: in the service worker: %v", err)
	}
}
