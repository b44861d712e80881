package firefox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"convoy/internal/testkit"
)

// Page is one tab. Every method ends the test when it fails.
type Page struct {
	t       testing.TB
	b       *Browser
	user    string // the user context: cookies and storage
	context string
}

// Open opens address in a new tab with cookies and storage of its own, which ends with the test.
func (b *Browser) Open(t testing.TB, address string) *Page {
	t.Helper()
	var made struct{ UserContext string }
	b.call(t, "browser.createUserContext", values{}, &made)
	t.Cleanup(func() { b.call(t, "browser.removeUserContext", values{"userContext": made.UserContext}, nil) })
	p := (&Page{t: t, b: b, user: made.UserContext}).Tab(address)
	p.arrive()
	return p
}

// Tab opens address in another tab, which shares cookies and storage with p. The tab is in the background, and may not
// be loaded yet.
func (p *Page) Tab(address string) *Page {
	p.t.Helper()
	var made struct{ Context string }
	p.b.call(p.t, "browsingContext.create", values{"type": "tab", "userContext": p.user, "background": true}, &made)
	other := &Page{t: p.t, b: p.b, user: p.user, context: made.Context}
	other.call("browsingContext.navigate", values{"url": address, "wait": "none"}, nil)
	return other
}

// Show puts the tab in front of the others: only that one has the focus, and draws.
func (p *Page) Show() {
	p.t.Helper()
	if p.b.front != p.context {
		p.call("browsingContext.activate", values{}, nil)
		p.b.front = p.context
	}
}

// Reload reloads the page.
func (p *Page) Reload() {
	p.t.Helper()
	p.call("browsingContext.reload", values{"wait": "complete"}, nil)
	p.arrive()
}

// arrive waits until the page that was asked for is there, not the one in between that shows the page key.
func (p *Page) arrive() {
	p.t.Helper()
	p.Wait(`location.href !== "about:blank" && document.readyState === "complete" && !document.querySelector("#opening")`)
}

// Platform makes the page say from its next load on that it is on another platform: name is that of
// navigator.platform.
func (p *Page) Platform(name string) {
	p.t.Helper()
	p.b.call(p.t, "script.addPreloadScript", values{
		"contexts": []string{p.context},
		"functionDeclaration": fmt.Sprintf(
			`() => Object.defineProperty(Navigator.prototype, "platform", { get: () => %q })`, name),
	}, nil)
}

// Resize gives the page a viewport in CSS pixels.
func (p *Page) Resize(width, height int) {
	p.t.Helper()
	p.call("browsingContext.setViewport", values{"viewport": values{"width": width, "height": height}}, nil)
}

// Close closes the tab. The page must not be used any more.
func (p *Page) Close() {
	p.t.Helper()
	p.call("browsingContext.close", values{}, nil)
	p.b.front = ""
}

// Eval evaluates a JavaScript expression as by a user's act, waiting for a promise, and returns its value as T.
func Eval[T any](p *Page, expression string) (value T) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	text, err := p.b.evaluate(ctx, p.context, expression)
	if err == nil {
		err = json.Unmarshal([]byte(text), &value)
	}
	if err != nil {
		p.t.Fatalf("firefox: evaluate %s: %v", expression, err)
	}
	return value
}

// Do evaluates a JavaScript expression for its effect.
func (p *Page) Do(expression string) {
	p.t.Helper()
	Eval[any](p, `(async () => { await (`+expression+`); return null; })()`)
}

// Wait puts the tab in front, since Firefox slows down hidden ones, and waits until a JavaScript expression is truthy,
// also on a later page. On failure the test ends with what the page shows.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	p.Show()
	met := false
	defer func() {
		if !met {
			p.t.Log(p.state())
		}
	}()
	poll := fmt.Sprintf(`(async () => {
		for (const end = performance.now() + %d; performance.now() < end;) {
			try { if (%s) return true; } catch {}
			await new Promise((again) => setTimeout(again, 10));
		}
	})()`, testkit.Patience.Milliseconds(), expression)
	testkit.Eventually(p.t, expression, func() bool {
		text, err := p.b.evaluate(context.Background(), p.context, poll)
		met = err == nil && text == "true" // an error: the page has been left for another one
		return met
	})
}

// evaluate returns the JSON of an expression's value.
func (b *Browser) evaluate(ctx context.Context, where, expression string) (string, error) {
	var got struct {
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	err := b.try(ctx, "script.evaluate", values{
		"expression":     `(async () => JSON.stringify(await (` + expression + `) ?? null))()`,
		"target":         values{"context": where},
		"awaitPromise":   true,
		"userActivation": true,
	}, &got)
	if err == nil && got.ExceptionDetails.Text != "" {
		err = errors.New(got.ExceptionDetails.Text)
	}
	return got.Result.Value, err
}

// state describes the page for a failed test.
func (p *Page) state() string {
	text := Eval[string](p, `location.href + "\n" + [...(window.convoy?.panes ?? [])]`+
		`.map(([key, pane]) => "--- " + key + "\n" + pane.text()).join("\n")`)
	for _, problem := range p.b.logs[p.context] {
		text += "\n! " + problem
	}
	return text
}

// WaitScreen waits until the terminal of a shell shows text. key is NODE/SHELL.
func (p *Page) WaitScreen(key, text string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`window.convoy?.panes.get(%q)?.text().includes(%q)`, key, text))
}

// Clean fails the test if the page's console has errors or warnings.
func (p *Page) Clean() {
	p.t.Helper()
	p.b.call(p.t, "session.status", values{}, nil) // what was logged before comes before its answer
	for _, problem := range p.b.logs[p.context] {
		p.t.Errorf("firefox: page complains: %s", problem)
	}
}

func (p *Page) call(method string, params values, result any) {
	p.t.Helper()
	params["context"] = p.context
	p.b.call(p.t, method, params, result)
}
