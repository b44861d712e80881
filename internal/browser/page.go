package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/debugger"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
)

// Page is one tab with cookies and storage of its own. It is not safe for
// concurrent use. Every method ends the test when it fails.
type Page struct {
	t   testing.TB
	ctx context.Context
	log *complaints
	// noScripts: a loaded page does not change.
	noScripts bool
	// moves: the user has not asked for less motion.
	moves bool
}

// Open opens address in a new tab that believes it has the user's attention,
// and returns when it is loaded. The tab shares nothing with other tabs. What
// prepare does to the tab is done before it loads anything; an address of ""
// loads nothing.
func (b *Browser) Open(t testing.TB, address string, prepare ...func(*Page)) *Page {
	t.Helper()
	if b.whole {
		return open(t, b.ctx, address, prepare)
	}
	return open(t, b.ctx, address, prepare, chromedp.WithNewBrowserContext())
}

// Tab opens address in another tab of the same browser: it shares cookies and storage with p.
func (p *Page) Tab(address string, prepare ...func(*Page)) *Page {
	p.t.Helper()
	return open(p.t, p.ctx, address, prepare)
}

func open(
	t testing.TB, parent context.Context, address string, prepare []func(*Page), options ...chromedp.ContextOption,
) *Page {
	t.Helper()
	p := &Page{t: t, log: &complaints{}}
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(p.log.listen))...)
	p.ctx = ctx
	t.Cleanup(cancel)
	// The first call binds the tab to its context, so that one has no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("browser: open tab: %v", err)
	}
	// chromedp asked for an event of each element that changes, which costs as much as the change.
	call(p, css.Disable, cdp.Empty{})
	call(p, dom.Disable, cdp.Empty{})
	call(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	p.prefer()
	for _, do := range prepare {
		do(p)
	}
	if address != "" {
		p.Go(address)
	}
	return p
}

// NoScripts disables the scripts of pages, from the next load. Eval and Do still work.
func (p *Page) NoScripts() {
	p.t.Helper()
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.noScripts = true
}

// arrive waits until the page that was asked for is there, not the one in between that shows the page key.
func (p *Page) arrive() {
	p.t.Helper()
	if !p.noScripts {
		p.Wait(`document.readyState === "complete" &&
			(!document.querySelector("#opening") || document.querySelector("#plain:not([hidden]), #again:not([hidden])"))`)
	}
}

// Go loads address in the tab.
func (p *Page) Go(address string) {
	p.t.Helper()
	p.do("load "+address, chromedp.Navigate(address))
	p.arrive()
}

// Reload reloads the page.
func (p *Page) Reload() {
	p.t.Helper()
	p.do("reload", chromedp.Reload())
	p.arrive()
}

// Back goes back in the tab's history, as the button of a browser does. It returns before the page has changed: going
// back may load another one.
func (p *Page) Back() {
	p.t.Helper()
	p.Do(`setTimeout(() => history.back())`) // the answer to this comes first
}

// Eval evaluates a JavaScript expression, waiting for a promise, and returns
// its value as T.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("browser: evaluate %s: %v", expression, err)
	}
	return got
}

// Do evaluates a JavaScript expression for its effect.
func (p *Page) Do(expression string) {
	p.t.Helper()
	p.do("evaluate "+expression, chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
}

// pollEvery is how often a page looks whether what a test waits for is there.
const pollEvery = 25 * time.Millisecond

// leftPage are the words of a browser that has left the page which was asked.
var leftPage = regexp.MustCompile("navigated or closed|Cannot find|Promise was collected|context was destroyed")

// waiting evaluates to true once an expression is truthy. An expression that throws is not.
const waiting = `new Promise((met) => {
	const look = async () => {
		try { if (await (%s)) return met(true); } catch { /* what it needs is not there yet */ }
		setTimeout(look, %d);
	};
	look();
})`

// Wait waits until a JavaScript expression is truthy. On failure the test ends
// with what the page shows.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	wait := chromedp.Evaluate[chromedp.Void](
		fmt.Sprintf(waiting, expression, pollEvery.Milliseconds()), chromedp.EvalAwaitPromise,
	)
	err := chromedp.Do(ctx, wait)
	for err != nil && ctx.Err() == nil && leftPage.MatchString(err.Error()) { // the next page may meet it
		err = chromedp.Do(ctx, wait)
	}
	if err != nil {
		p.t.Fatalf("browser: wait for %s: %v\n%s", expression, err, p.state())
	}
}

// state describes the page for a failed test.
func (p *Page) state() string {
	var all strings.Builder
	for key, text := range p.screens() {
		fmt.Fprintf(&all, "--- %s\n%s\n", key, text)
	}
	for _, problem := range p.log.all() {
		fmt.Fprintf(&all, "! %s\n", problem)
	}
	return all.String()
}

// Click presses the left mouse button on the first element that matches a CSS
// selector, where it is.
func (p *Page) Click(selector string) {
	p.t.Helper()
	x, y := p.middle(selector)
	p.do("click "+selector, chromedp.MouseClickXY(x, y))
}

// Follow clicks on the first element that matches a CSS selector, and returns when
// the page that it leads to is loaded.
func (p *Page) Follow(selector string) {
	p.t.Helper()
	x, y := p.middle(selector)
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.MouseClickXY(x, y)); err != nil {
		p.t.Fatalf("browser: follow %s: %v\n%s", selector, err, p.log.all())
	}
	p.arrive()
}

// Type types text where the focus is, as an input method would: any letter
// works, control characters do not.
func (p *Page) Type(text string) {
	p.t.Helper()
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

// Resize gives the page a viewport in CSS pixels.
func (p *Page) Resize(width, height int64) {
	p.t.Helper()
	p.do("resize", chromedp.EmulateViewport(width, height))
}

// Zoom gives the page a viewport in CSS pixels, each of which has scale device pixels.
func (p *Page) Zoom(width, height int64, scale float64) {
	p.t.Helper()
	p.do("zoom", chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
}

// Touch makes the page believe that it is on a touch screen of the given size.
// It holds from the next load.
func (p *Page) Touch(width, height int64) {
	p.t.Helper()
	p.do("touch", chromedp.EmulateViewport(width, height, chromedp.EmulateMobile, chromedp.EmulateTouch))
}

// Scheme makes the system's colour scheme "light" or "dark".
func (p *Page) Scheme(name string) {
	p.t.Helper()
	p.prefer(&emulation.MediaFeature{Name: "prefers-color-scheme", Value: name})
}

// Motion makes the page move, as it does for users without a preference.
func (p *Page) Motion() {
	p.t.Helper()
	p.moves = true
	p.prefer()
}

// prefer makes these the user's preferences, instead of those before, with less motion unless Motion was called: each
// frame of a transition costs as much as what most tests look at.
func (p *Page) prefer(features ...*emulation.MediaFeature) {
	p.t.Helper()
	motion := "reduce"
	if p.moves {
		motion = "no-preference"
	}
	features = append(features, &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: motion})
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

// ForgetCookies deletes the page's cookies, as a browser does when they expire.
func (p *Page) ForgetCookies() {
	p.t.Helper()
	call(p, network.ClearBrowserCookies, cdp.Empty{})
}

// Screenshot writes what the viewport shows to a PNG file, and returns its path.
func (p *Page) Screenshot(path string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, image, 0o644)
	}
	if err != nil {
		p.t.Fatalf("browser: screenshot: %v", err)
	}
	return path
}

// Freeze pauses all scripts of the page, as if it hung; Thaw resumes them.
func (p *Page) Freeze() {
	p.t.Helper()
	call(p, debugger.Enable, debugger.EnableParams{})
	call(p, debugger.Pause, cdp.Empty{})
}

// Thaw ends what Freeze began.
func (p *Page) Thaw() {
	p.t.Helper()
	call(p, debugger.Disable, cdp.Empty{})
}

// TrustAll accepts certificates of any authority, from the next load.
func (p *Page) TrustAll() {
	p.t.Helper()
	call(p, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
}

// Close closes the tab, as its user would. The page must not be used any more.
func (p *Page) Close() {
	p.t.Helper()
	call(p, page.Close, cdp.Empty{})
}

// Crash ends the process of the page. The page must not be used any more.
func (p *Page) Crash() {
	ctx, cancel := context.WithTimeout(p.ctx, time.Second) // there may be no answer
	defer cancel()
	chromedp.Call(ctx, page.Crash, cdp.Empty{}) //nolint:errcheck // as above
}

// BeforeLoad makes every page that is loaded from now on run script first.
func (p *Page) BeforeLoad(script string) {
	p.t.Helper()
	call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// do runs one action within the deadline.
func (p *Page) do(what string, action chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	if err := chromedp.Do(ctx, action); err != nil {
		p.t.Fatalf("browser: %s: %v\n%s", what, err, p.log.all())
	}
}

// quote returns text as a JavaScript literal.
func quote(text string) string {
	literal, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a form
	}
	return string(literal)
}
