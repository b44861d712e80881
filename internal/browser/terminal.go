package browser

import "fmt"

// Panes returns the keys, NODE/SHELL, of the page's terminals, oldest first.
func (p *Page) Panes() []string {
	p.t.Helper()
	return Eval[[]string](p, `[...(window.convoy?.panes.keys() ?? [])]`)
}

// Screen returns what the terminal of a shell shows, row by row without
// trailing blanks. key is NODE/SHELL.
func (p *Page) Screen(key string) string {
	p.t.Helper()
	return Eval[string](p, fmt.Sprintf(`window.convoy.panes.get(%s)?.text() ?? ""`, quote(key)))
}

// WaitScreen waits until the terminal of a shell shows text.
func (p *Page) WaitScreen(key, text string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`window.convoy?.panes.get(%s)?.text().includes(%s)`, quote(key), quote(text)))
}

// FocusPane puts the keyboard's focus on the terminal of a shell.
func (p *Page) FocusPane(key string) {
	p.t.Helper()
	p.Do(fmt.Sprintf(`window.convoy.panes.get(%s).focus()`, quote(key)))
}

// screens returns all terminals' screens, for the report of a failed test.
func (p *Page) screens() map[string]string {
	return Eval[map[string]string](
		p, `Object.fromEntries([...(window.convoy?.panes ?? [])].map(([key, pane]) => [key, pane.text()]))`,
	)
}
