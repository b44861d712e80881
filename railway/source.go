package railway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// source is what new nodes run.
type source struct {
	image string
	repo  string // if there is no image
	from  string // its origin, for users
}

func (s source) String() string {
	if s.image != "" {
		return "image " + s.image
	}
	return "repository " + s.repo
}

// nodeSource returns the source of new nodes: as configured, else that of this node's own service, so that all nodes
// run the same. It queries Railway once.
func (p *Provider) nodeSource(ctx context.Context) (source, error) {
	if p.cfg.Image != "" {
		return source{image: p.cfg.Image, from: "CONVOY_NODE_IMAGE"}, nil
	}
	p.mu.Lock()
	known := p.source
	p.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	if p.cfg.Service == "" {
		return source{}, errors.New("the image of nodes is unknown: set CONVOY_NODE_IMAGE")
	}
	_, env := p.scope()
	answer, err := oneInstance(ctx, p.client, env, p.cfg.Service)
	if err != nil {
		return source{}, fmt.Errorf("cannot find out what this service runs: %w", err)
	}
	found := source{
		image: answer.ServiceInstance.Source.Image,
		repo:  answer.ServiceInstance.Source.Repo,
		from:  "this node's own service",
	}
	if found.image == "" && found.repo == "" {
		return source{}, errors.New("this service has neither an image nor a repository for nodes: set CONVOY_NODE_IMAGE")
	}
	p.mu.Lock()
	p.source = &found
	p.mu.Unlock()
	return found, nil
}

// variables returns those of a new node: configured ones, references to secrets, the marker, and the token only if it
// is shared.
func (p *Provider) variables(ctx context.Context, name string) (map[string]string, error) {
	all := map[string]string{}
	if p.cfg.Variables != nil {
		maps.Copy(all, p.cfg.Variables(name))
	}
	for key, value := range all {
		if p.cfg.Token != "" && strings.Contains(value, p.cfg.Token) {
			return nil, fmt.Errorf("variable %s would pass the Railway token to the node: only -share-token does that", key)
		}
	}
	wanted := slices.Clone(p.cfg.References)
	tokenName := "RAILWAY_API_TOKEN"
	if p.client.kind.Load() == ProjectToken {
		tokenName = "RAILWAY_TOKEN"
	}
	if p.cfg.ShareToken {
		wanted = append(wanted, tokenName)
	}
	references, missing, err := p.references(ctx, wanted)
	if err != nil {
		return nil, err
	}
	maps.Copy(all, references)
	if p.cfg.ShareToken && slices.Contains(missing, tokenName) {
		all[tokenName] = p.cfg.Token // it is not a variable on Railway, so there is nothing to refer to
		missing = slices.DeleteFunc(missing, func(n string) bool { return n == tokenName })
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf(
			"nodes need the variable %s: create it as a shared variable of the environment on Railway",
			strings.Join(missing, ", "),
		)
	}
	all[MarkerVariable] = p.owner()
	return all, nil
}

// references returns how a new service can refer to variables: to the shared one, else to that of this node's service.
// It reads only names, never values.
func (p *Provider) references(
	ctx context.Context, names []string,
) (found map[string]string, missing []string, _ error) {
	found = map[string]string{}
	if len(names) == 0 {
		return found, nil, nil
	}
	project, env := p.scope()
	err := eachPage(func(after string) (page pageFields, err error) {
		answer, err := variableNames(ctx, p.client, env, project, pageSize, after)
		if err != nil {
			return page, err
		}
		list := answer.Environment.Variables
		for _, edge := range list.Edges {
			v := edge.Node
			switch {
			case !slices.Contains(names, v.Name):
			case v.ServiceId == "":
				found[v.Name] = "${{shared." + v.Name + "}}"
			case v.ServiceId == p.cfg.Service && found[v.Name] == "" && p.cfg.ServiceName != "":
				found[v.Name] = "${{" + p.cfg.ServiceName + "." + v.Name + "}}"
			}
		}
		return list.PageInfo, nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot list the variables: %w", err)
	}
	for _, name := range names {
		if found[name] == "" {
			missing = append(missing, name)
		}
	}
	return found, missing, nil
}

// Deployment settings of nodes.
const (
	healthPath        = "/healthz"
	healthTimeout     = 120 // seconds
	drainingSeconds   = 15
	overlapSeconds    = 5
	restartMaxRetries = 10
)

// settings returns those of a new node's service. It has one replica: several would share a name.
func (p *Provider) settings(s source) serviceInstanceUpdateInput {
	draining, overlap, retries, sleeps := drainingSeconds, overlapSeconds, restartMaxRetries, false
	in := serviceInstanceUpdateInput{
		Source:          &serviceSourceInput{Image: s.image},
		HealthcheckPath: healthPath, HealthcheckTimeout: healthTimeout,
		RestartPolicyType: "ON_FAILURE", RestartPolicyMaxRetries: &retries,
		DrainingSeconds: &draining, OverlapSeconds: &overlap,
		SleepApplication: &sleeps, NumReplicas: 1,
	}
	if s.image == "" {
		in.Source.Repo = s.repo
	}
	if p.cfg.Region != "" { // Railway ignores the field region, and numReplicas applies to no region
		in.NumReplicas = 0
		in.MultiRegionConfig, _ = json.Marshal(map[string]any{p.cfg.Region: map[string]int{"numReplicas": 1}})
	}
	return in
}
