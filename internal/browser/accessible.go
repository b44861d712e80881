package browser

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
)

// axe is axe-core, for tests only: no program contains it.
//
//go:embed axe/axe.min.js
var axe string

// resting is met when the page draws nothing new, except what never ends.
const resting = `document.readyState === "complete" && document.getAnimations().every((a) =>
	a.playState === "finished" || a.effect?.getComputedTiming().endTime === Infinity)`

// findings evaluates to what axe-core finds in the elements of a selector, but for those of another: all rules, or
// those about colours.
const findings = `new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() =>
	axe.run({ include: [%q], exclude: %s }, { resultTypes: ["violations"], %s })
	).then(({ violations }) => violations.flatMap(({ id, help, nodes }) => nodes.map(({ html, target, any, all, none }) =>
		[id, help, target.join(" "), html.slice(0, 200), ...[...any, ...all, ...none].map((c) => c.message)].join("\n\t"))))`

// Accessible fails the test for everything that axe-core finds in the elements of a selector, except those of other
// selectors: by all its rules in the theme that the page has, and by those about colours in the other one, in which the
// page is left.
func (p *Page) Accessible(what, selector string, except ...string) {
	p.t.Helper()
	excluded, _ := json.Marshal(append([]string{}, except...)) //nolint:errcheck // strings always marshal
	if !Eval[bool](p, `"axe" in window`) {
		p.Do(axe + "; 0")
	}
	schemes := []string{"dark", "light"}
	if Eval[string](p, `document.documentElement.dataset.theme`) == "light" {
		slices.Reverse(schemes)
	}
	for i, scheme := range schemes {
		rules := ""
		if i > 0 {
			rules = `runOnly: ["color-contrast", "link-in-text-block"]`
		}
		p.Scheme(scheme)
		p.Wait(fmt.Sprintf(`document.documentElement.dataset.theme === %q`, scheme))
		p.Wait(resting)
		for _, finding := range Eval[[]string](p, fmt.Sprintf(findings, selector, excluded, rules)) {
			p.t.Errorf("%s, %s: %s", what, scheme, finding)
		}
	}
}
