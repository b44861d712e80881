package railway

import (
	"context"
	"errors"
	"time"
)

// Service is any service of the environment.
type Service struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Image  string `json:"image,omitempty"`
	Repo   string `json:"repo,omitempty"`
	Status string `json:"status"` // of its latest deployment, as Railway reports it; empty: never deployed
	Ours   bool   `json:"ours"`   // created by this Convoy
}

// Instance is a service instance in the environment.
type Instance struct {
	ID         string    `json:"id"`
	Service    string    `json:"service"` // name
	Region     string    `json:"region,omitempty"`
	Replicas   int       `json:"replicas"`
	Deployment string    `json:"deployment,omitempty"`
	Status     string    `json:"status,omitempty"`
	Containers []string  `json:"containers,omitempty"` // statuses
	Created    time.Time `json:"created"`
}

// Node is a service created by this Convoy.
type Node struct {
	Name       string `json:"name"` // of the node
	Service    string `json:"service"`
	Deployment string `json:"deployment,omitempty"`
	Status     string `json:"status,omitempty"`
	Running    bool   `json:"running"`
	Message    string `json:"message,omitempty"`
}

// Deployment is a deployment with its events.
type Deployment struct {
	ID      string    `json:"id"`
	Service string    `json:"service,omitempty"`
	Status  string    `json:"status"`
	Stopped bool      `json:"stopped"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	Events  []Event   `json:"events"`
}

// Event is one event of a deployment.
type Event struct {
	Step  string    `json:"step"`
	At    time.Time `json:"at"`
	Ended time.Time `json:"ended,omitzero"`
	Took  float64   `json:"took_seconds,omitempty"`
	Error string    `json:"error,omitempty"`
}

// Account describes the token's owner.
type Account struct {
	Identity
	Email  string `json:"email,omitempty"` // of an account token's owner
	Calls  Budget `json:"calls"`
	Points int    `json:"points,omitempty"` // remaining points of the rate limit, as Railway reports them
}

// ready returns the refusal as an error.
func (p *Provider) ready() error {
	if refusal := p.Unavailable(); refusal != "" {
		return errors.New(refusal)
	}
	return nil
}

// Me describes the token's owner. The function railway.me.
func (p *Provider) Me(ctx context.Context) (Account, error) {
	if err := p.ready(); err != nil {
		return Account{}, err
	}
	p.mu.Lock()
	me := Account{Identity: p.identity}
	p.mu.Unlock()
	if me.Kind == Bearer {
		answer, err := whoAmI(ctx, p.client)
		switch {
		case err == nil:
			me.Name, me.Email, me.Points = answer.Me.Name, answer.Me.Email, answer.Me.ApiTokenRateLimit.RemainingPoints
		case !is(err, Unauthorized, Refused): // the answer for a workspace token, which has no user
			return Account{}, err
		}
	}
	me.Calls = p.Budget()
	return me, nil
}

// Services lists the services of the environment. The function railway.services.
func (p *Provider) Services(ctx context.Context) ([]Service, error) {
	list, err := p.currentInventory(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	services := make([]Service, 0, len(list))
	for _, i := range list {
		s := Service{
			ID:    i.ServiceId,
			Name:  i.ServiceName,
			Image: i.Source.Image,
			Repo:  i.Source.Repo,
			Ours:  p.services[i.ServiceId] != nil,
		}
		if i.LatestDeployment != nil {
			s.Status = i.LatestDeployment.Status
		}
		services = append(services, s)
	}
	return services, nil
}

// Instances lists the service instances of the environment. The function railway.instances.
func (p *Provider) Instances(ctx context.Context) ([]Instance, error) {
	list, err := p.currentInventory(ctx)
	if err != nil {
		return nil, err
	}
	instances := make([]Instance, 0, len(list))
	for _, i := range list {
		one := Instance{ID: i.Id, Service: i.ServiceName, Region: i.Region, Replicas: i.NumReplicas, Created: i.CreatedAt}
		if d := i.LatestDeployment; d != nil {
			one.Deployment, one.Status = d.Id, d.Status
			for _, container := range d.Instances {
				one.Containers = append(one.Containers, container.Status)
			}
		}
		instances = append(instances, one)
	}
	return instances, nil
}

// Nodes lists the services created by this Convoy. The function railway.nodes.
func (p *Provider) Nodes(ctx context.Context) ([]Node, error) {
	list, err := p.currentInventory(ctx)
	if err != nil {
		return nil, err
	}
	p.applyInventory(ctx, list)
	p.mu.Lock()
	defer p.mu.Unlock()
	nodes := make([]Node, 0, len(p.services))
	for _, status := range p.list(time.Now()) {
		s := p.services[status.ID]
		n := Node{Name: status.Name, Service: s.label, Running: status.Running, Message: status.Message}
		if s.latest != nil {
			n.Deployment, n.Status = s.latest.id, s.latest.status
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// currentInventory reads the inventory, without deleted services.
func (p *Provider) currentInventory(ctx context.Context) ([]instanceFields, error) {
	if err := p.ready(); err != nil {
		return nil, err
	}
	list, err := p.inventory(ctx)
	if err != nil {
		return nil, err
	}
	kept := list[:0]
	for _, i := range list {
		if i.DeletedAt.IsZero() {
			kept = append(kept, i)
		}
	}
	return kept, nil
}

// Deployment reads a deployment and its events. The function railway.deployment.
func (p *Provider) Deployment(ctx context.Context, id string) (Deployment, error) {
	if err := p.ready(); err != nil {
		return Deployment{}, err
	}
	answer, err := deploymentAndEvents(ctx, p.client, id)
	if err != nil {
		return Deployment{}, err
	}
	f := answer.Deployment
	d := newDeployment(f.Id, time.Now())
	for _, edge := range answer.DeploymentEvents.Edges {
		d.addEvent(edge.Node, time.Now())
	}
	out := Deployment{
		ID:      f.Id,
		Service: f.ServiceId,
		Status:  f.Status,
		Stopped: f.DeploymentStopped,
		Created: f.CreatedAt,
		Updated: f.UpdatedAt,
		Events:  []Event{},
	}
	for _, e := range d.ordered() {
		if s, ok := eventStep(e); ok {
			one := Event{Step: s.Name, At: s.At, Ended: s.Ended, Error: s.Error}
			if !s.Ended.IsZero() {
				one.Took = s.Ended.Sub(s.At).Seconds()
			}
			out.Events = append(out.Events, one)
		}
	}
	return out, nil
}
