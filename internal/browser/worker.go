package browser

import (
	"context"

	"github.com/chromedp/cdproto/backgroundservice"
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

// Push delivers a push message to the service worker of the page, as a push service does, and returns when the worker
// has handled it: getNotifications, called before, may delete a notification that is not shown yet.
func (p *Page) Push(text string) {
	p.t.Helper()
	const pushes = backgroundservice.ServiceNamePushMessaging
	scope := Eval[string](p, `navigator.serviceWorker.ready.then(({ scope }) => scope)`)
	found, handled := make(chan serviceworker.RegistrationID, 16), make(chan struct{}, 16)
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	if err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *serviceworker.EventWorkerRegistrationUpdated:
			for _, one := range e.Registrations {
				if one.ScopeURL == scope && !one.IsDeleted && len(found) < cap(found) {
					found <- one.RegistrationID
				}
			}
		case *backgroundservice.EventBackgroundServiceEventReceived:
			if e.BackgroundServiceEvent.EventName == "Push event completed" && len(handled) < cap(handled) {
				handled <- struct{}{}
			}
		}
	}); err != nil {
		p.t.Fatalf("browser: push: %v", err)
	}
	// Otherwise observers get earlier events again.
	call(p, backgroundservice.ClearEvents, backgroundservice.ClearEventsParams{Service: pushes})
	call(p, backgroundservice.SetRecording, backgroundservice.SetRecordingParams{ShouldRecord: true, Service: pushes})
	call(p, backgroundservice.StartObserving, backgroundservice.StartObservingParams{Service: pushes})
	call(p, serviceworker.Enable, cdp.Empty{})
	select {
	case id := <-found:
		call(p, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{
			Origin: Eval[string](p, `location.origin`), RegistrationID: id, Data: text,
		})
	case <-testkit.Context(p.t).Done():
		p.t.Fatalf("browser: push: %s has no service worker", scope)
	}
	select {
	case <-handled:
	case <-testkit.Context(p.t).Done():
		p.t.Fatal("browser: push: the service worker has not handled it")
	}
	call(p, serviceworker.Disable, cdp.Empty{})
	call(p, backgroundservice.StopObserving, backgroundservice.StopObservingParams{Service: pushes})
	call(p, backgroundservice.SetRecording, backgroundservice.SetRecordingParams{Service: pushes})
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
	worker, leave := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
	defer leave()
	ctx, cancel := context.WithTimeout(worker, deadline)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise)); err != nil {
		p.t.Fatalf("browser: in the service worker: %v", err)
	}
}
