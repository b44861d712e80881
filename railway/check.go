package railway

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Finding is the result of one check.
type Finding struct {
	OK   bool
	Name string
	Text string // what was found, or what to do
}

// findings collects the results of a check.
type findings struct {
	list   []Finding
	redact func(string) string
}

func (f *findings) add(ok bool, name, format string, args ...any) bool {
	f.list = append(f.list, Finding{OK: ok, Name: name, Text: f.redact(fmt.Sprintf(format, args...))})
	return ok
}

// Check checks everything that a spawn needs, and changes nothing: the command convoy railway check. It works before
// Start. The last finding but one is what would be spawned, with the names of the variables and without secrets.
func (p *Provider) Check(ctx context.Context) []Finding {
	f := &findings{redact: p.client.redact}
	p.prove(ctx)
	if refusal := p.Unavailable(); !f.add(refusal == "", "token", "%s", cmp.Or(refusal, "proved")) {
		return f.list
	}
	p.mu.Lock()
	id := p.identity
	p.mu.Unlock()
	plan := cmp.Or(id.Plan, "unknown")
	f.add(true, "project", "%s %s, plan %s, environment %s", id.Project, id.Title, plan, id.Environment)
	if id.Kind == ProjectToken {
		f.add(true, "permissions", "this is a project token, which Railway may not allow to create or delete services; "+
			"use an account or workspace token of an Owner or Admin")
	}
	what, err := p.nodeSource(ctx)
	if f.add(err == nil, "image", "%s", textOf(err, what.String()+", from "+what.from)) && what.image == "" {
		f.add(true, "build", "each node is built from its repository, which takes minutes; CONVOY_NODE_IMAGE names an "+
			"image instead")
	}
	f.add(p.cfg.PrivateDomain != "", "network", "%s", cmp.Or(p.cfg.PrivateDomain,
		"RAILWAY_PRIVATE_DOMAIN is not set: this does not run on Railway, so nodes cannot join it"))
	p.checkService(ctx, f, what)
	calls := p.Budget()
	f.add(true, "calls", "%d made by this check, %d allowed per hour", calls.Total, calls.Limit)
	return f.list
}

// checkService checks what the service of a new node needs.
func (p *Provider) checkService(ctx context.Context, f *findings, what source) {
	name := p.NodeName(p.cfg.Prefix + "xxxx")
	variables, err := p.variables(ctx, name)
	f.add(err == nil, "variables", "%s", textOf(err, strings.Join(slices.Sorted(maps.Keys(variables)), " ")))
	services, err := p.Services(ctx)
	nodes := 0
	for _, s := range services {
		if strings.HasPrefix(s.Name, p.cfg.Prefix) {
			nodes++
		}
	}
	count := fmt.Sprintf("%d in the environment, %d named like nodes", len(services), nodes)
	f.add(err == nil, "services", "%s", textOf(err, count))
	settings, _ := json.Marshal(p.settings(what))
	f.add(err == nil, "spawn", "service %s for node %s: %s", p.cfg.Prefix+"xxxx", name, settings)
}

func textOf(err error, text string) string {
	if err != nil {
		return err.Error()
	}
	return text
}
