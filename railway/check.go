package railway

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Finding is one thing that was checked.
type Finding struct {
	OK   bool
	Name string
	Text string // what was found, or what to do
}

// Check looks at everything that a spawn needs and changes nothing: the command convoy railway check. Start need not
// have been called. The last finding is what would be spawned, with the names of the variables and no secret.
func (p *Provider) Check(ctx context.Context) []Finding {
	var list []Finding
	add := func(ok bool, name, format string, args ...any) bool {
		list = append(list, Finding{OK: ok, Name: name, Text: p.client.redact(fmt.Sprintf(format, args...))})
		return ok
	}
	p.prove(ctx)
	if refusal := p.Unavailable(); !add(refusal == "", "token", "%s", orWord(refusal, "proved")) {
		return list
	}
	p.mu.Lock()
	who := p.who
	p.mu.Unlock()
	add(true, "project", "%s %s, plan %s, environment %s", who.Project, who.Title, orWord(who.Plan, "unknown"), who.Place)
	if who.Kind == ProjectToken {
		add(
			true,
			"permissions",
			"this is a project token: Railway may not let it make or delete services; an account or workspace token of an "+
				"Owner or Admin may",
		)
	}
	what, err := p.whatToRun(ctx)
	if add(err == nil, "image", "%s", textOf(err, what.String()+", from "+what.from)) && what.image == "" {
		add(
			true,
			"build",
			"each node is built from its repository, which takes minutes; CONVOY_NODE_IMAGE names an image instead",
		)
	}
	add(
		p.cfg.PrivateDomain != "",
		"network",
		"%s",
		orWord(
			p.cfg.PrivateDomain,
			"there is no RAILWAY_PRIVATE_DOMAIN: this does not run on Railway, so nodes cannot join it",
		),
	)
	name := p.NodeName(p.cfg.Prefix + "xxxx")
	variables, err := p.variables(ctx, name)
	add(err == nil, "variables", "%s", textOf(err, strings.Join(slices.Sorted(maps.Keys(variables)), " ")))
	services, err := p.Services(ctx)
	ours := 0
	for _, s := range services {
		if strings.HasPrefix(s.Name, p.cfg.Prefix) {
			ours++
		}
	}
	add(
		err == nil,
		"services",
		"%s",
		textOf(err, fmt.Sprintf("%d in the environment, %d named like nodes", len(services), ours)),
	)
	settings, _ := json.Marshal(p.settings(what))
	add(err == nil, "spawn", "service %s for node %s: %s", p.cfg.Prefix+"xxxx", name, settings)
	calls := p.Budget()
	add(true, "calls", "%d made just now, %d allowed in an hour", calls.Total, calls.Limit)
	return list
}

func textOf(err error, text string) string {
	if err != nil {
		return err.Error()
	}
	return text
}
