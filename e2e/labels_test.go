package e2e

import (
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// A node that the control plane spawns has its labels.
func TestLabels_OfSpawned(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil, "-labels", "team=core, env=prod")
	made, err := n.Spawn(testkit.Context(t))
	testkit.Must(t, err)
	n.until(t, "it is alive", has(made.Name, "alive"))
	for name := range names(t, n) {
		var node struct{ Labels map[string]string }
		testkit.Must(t, n.Do(testkit.Context(t), "GET", "/nodes/"+name, nil, &node))
		if len(node.Labels) != 2 || node.Labels["env"] != "prod" || node.Labels["team"] != "core" {
			t.Errorf("%s has the labels %v", name, node.Labels)
		}
	}
}

// Labels that nodes announce are in the table and on pages; rows are filtered and grouped by them.
func TestBrowser_Labels(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	n := startByHand(t, "a.test", "-labels", "team=core, env=prod", "-shell", "bash --norc --noprofile")
	for host, labels := range map[string]string{"b.test": "env=test", "c.test": "", "d.test": "env=prod"} {
		other := startByHand(t, host, "-labels", labels)
		other.joins(t, n.at)
	}
	p := browse(t, &running{Client: n.Client}, strings.TrimPrefix(n.Base, "http://"))
	p.Wait(`document.querySelectorAll(".node[data-status=alive]").length === 4`)
	p.Press("Shift+Escape")
	p.Press("v")
	p.Wait(`document.querySelector("tr[data-short=b] td[data-column=labels]").checkVisibility()`)
	p.Wait(`document.querySelector("tr[data-short=b] td[data-column=labels]").textContent === "env=test"`)
	groupBy(p, "label:env")
	groups := `[...document.querySelectorAll("tr.group")].filter((e) => e.checkVisibility())
		.map((e) => e.textContent.trim().replace(/\s+/g, " ")).join("; ")`
	p.Wait(groups + ` === "env=prod 2 nodes; env=test 1 node; no env 1 node"`)
	p.Reload()
	p.Wait(groups + ` === "env=prod 2 nodes; env=test 1 node; no env 1 node"`)
	picture(p, "labels")
	p.Click("#filter")
	p.Type("label:env=Test")
	p.Wait(groups + ` === "env=test 1 node"`)
	if shown := shortNames(p); strings.Join(shown, " ") != "b" {
		t.Errorf("label:env=test shows %q", shown)
	}
	p.Go(n.Base + "/nodes/convoy@b.test")
	waitText(p, ".details .lead", "Labels: env=test.")
	p.Clean()
}
