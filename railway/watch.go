package railway

import (
	"context"
	"strings"
	"time"
)

const (
	idleInterval      = time.Minute      // between refreshes while nothing is in progress
	progressFirst     = 5 * time.Second  // between the first refreshes while something is
	progressLast      = 30 * time.Second // and later; a socket usually delivers changes earlier
	idleShare         = 0.25             // share of the hourly limit for idle refreshes
	progressShare     = 0.6
	verifyInterval    = 10 * time.Second // before a temporarily failed verification is retried
	maxVerifyInterval = 10 * time.Minute
	pageSize          = 100
	maxPages          = 50
	incompleteAge     = time.Minute // before a service without a deployment is finished here
	newAge            = time.Minute // how long a new service may be missing from an inventory
	maxMissesOfNew    = 3
	deadlineMargin    = time.Second
	maxDetailsAtOnce  = 10 // deployments whose events are read per refresh
)

// watch refreshes until ctx ends: immediately when woken, else as often as the hourly limit and the situation allow.
func (p *Provider) watch(ctx context.Context) {
	tries, rounds := 0, 0
	for ctx.Err() == nil {
		var pause time.Duration
		if p.proved(ctx, tries) {
			tries = 0
			p.refresh(ctx)
			p.resumeIncomplete(ctx)
			if rounds++; !p.busy() {
				rounds = 0
			}
			pause = p.interval(rounds)
		} else {
			pause = min(verifyInterval<<min(tries, 8), maxVerifyInterval)
			tries++
		}
		select {
		case <-time.After(max(pause, p.client.budget.pause())):
		case <-p.wake:
		case <-ctx.Done():
		}
	}
}

// proved reports whether the token is verified, and retries if it is not.
func (p *Provider) proved(ctx context.Context, tries int) bool {
	p.mu.Lock()
	refusal, token := p.refusal, p.cfg.Token
	p.mu.Unlock()
	if refusal != "" && token != "" && tries > 0 {
		p.prove(ctx)
		refusal = p.Unavailable()
	}
	return refusal == ""
}

// busy reports whether something is in progress, so that changes are wanted soon. Waiting for approval does not count:
// it may take long, and the subscription reports its end.
func (p *Provider) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for label := range p.jobs {
		if s := p.find(label); s == nil || s.latest == nil {
			return true
		}
	}
	now := time.Now()
	for _, s := range p.services {
		if d := s.latest; d == nil && s.failure == "" ||
			d != nil && d.phase() == progress && now.Sub(d.since) < progressDeadline {
			return true
		}
	}
	return false
}

// interval is the time until the next refresh, after a number of rounds with something in progress.
func (p *Provider) interval(rounds int) time.Duration {
	if rounds == 0 {
		return min(max(idleInterval, p.client.budget.share(idleShare)), p.untilOverdue())
	}
	pause := min(progressFirst*time.Duration(rounds), progressLast)
	return min(max(pause, p.client.budget.share(progressShare)), p.untilOverdue())
}

// untilOverdue is the time until the next deployment misses its deadline, which no event reports.
func (p *Provider) untilOverdue() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	shortest := time.Hour
	for _, s := range p.services {
		if s.latest == nil || s.latest.phase().deadline() == 0 {
			continue
		}
		if left := time.Until(s.latest.since.Add(s.latest.phase().deadline())); left > 0 {
			shortest = min(shortest, left+deadlineMargin)
		}
	}
	return shortest
}

// refresh reads everything once: the inventory, the owners of services, and wanted events.
func (p *Provider) refresh(ctx context.Context) {
	list, err := p.inventory(ctx)
	if err != nil {
		if ctx.Err() == nil {
			p.log.Warn("cannot read railway's inventory", "err", err)
		}
		if is(err, Unauthorized) { // the token was revoked
			p.prove(ctx)
		}
		return
	}
	p.applyInventory(ctx, list)
	for _, id := range p.detailsWanted() {
		p.fetchDetails(ctx, id)
	}
}

// inventory reads all services of the environment.
func (p *Provider) inventory(ctx context.Context) ([]instanceFields, error) {
	project, env := p.scope()
	var list []instanceFields
	err := eachPage(func(after string) (page pageFields, err error) {
		answer, err := inventory(ctx, p.client, env, project, pageSize, after)
		if err != nil {
			return page, err
		}
		found := answer.Environment.ServiceInstances
		for _, edge := range found.Edges {
			list = append(list, edge.Node)
		}
		return found.PageInfo, nil
	})
	return list, err
}

// applyInventory records an inventory. Services missing from it are gone, unless they are so new that the inventory may
// be older.
func (p *Provider) applyInventory(ctx context.Context, list []instanceFields) {
	present := make(map[string]bool, len(list))
	for _, i := range list {
		if !i.DeletedAt.IsZero() || !p.mayBeNode(i) || !p.ours(ctx, i.ServiceId) {
			continue
		}
		present[i.ServiceId] = true
		p.recordInstance(i)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, s := range p.services {
		if present[id] {
			s.missing = 0
			continue
		}
		s.missing++
		if young := time.Since(s.seen) < newAge; !young || s.missing >= maxMissesOfNew {
			delete(p.services, id)
		}
	}
	p.listed = true
	p.notifyChanged()
}

// mayBeNode reports whether a service is named like our nodes, and is not the one that this node runs in.
func (p *Provider) mayBeNode(i instanceFields) bool {
	return strings.HasPrefix(i.ServiceName, p.cfg.Prefix) && validLabel(i.ServiceName) && i.ServiceId != p.cfg.Service &&
		i.ServiceId != ""
}

// ours reports whether a service has our marker. That never changes, so it is queried once. If it is unknown, the
// answer is no until the next refresh.
func (p *Provider) ours(ctx context.Context, id string) bool {
	p.mu.Lock()
	known, strange := p.services[id] != nil, p.foreign[id]
	p.mu.Unlock()
	if known || strange {
		return known
	}
	mine, err := p.hasMarker(ctx, id)
	if err != nil {
		p.log.Warn("cannot tell who created a service", "service", id, "err", err)
		return false
	}
	if !mine {
		p.mu.Lock()
		p.foreign[id] = true
		p.mu.Unlock()
	}
	return mine
}

// hasMarker queries whether a service has the marker.
func (p *Provider) hasMarker(ctx context.Context, id string) (bool, error) {
	project, env := p.scope()
	answer, err := variablesOf(ctx, p.client, env, project, id)
	if err != nil {
		return false, err
	}
	return answer.Variables[MarkerVariable] == p.owner(), nil
}

// recordInstance records the inventory's data about one of our services.
func (p *Provider) recordInstance(i instanceFields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	s := p.services[i.ServiceId]
	if s == nil {
		s = &service{id: i.ServiceId, seen: now}
		p.services[s.id] = s
	}
	s.label, s.created = i.ServiceName, i.CreatedAt
	s.running = false
	if i.LatestDeployment == nil {
		return
	}
	for _, d := range i.ActiveDeployments {
		if d.Id != i.LatestDeployment.Id && phaseOf(d.Status, d.DeploymentStopped) == up {
			s.running = true
		}
	}
	s.follow(*i.LatestDeployment, now)
}

// follow makes the newest deployment the current one: Railway may deploy on its own.
func (s *service) follow(f deploymentFields, now time.Time) {
	if s.latest == nil || (s.latest.id != f.Id && !f.CreatedAt.Before(s.latest.created)) {
		s.latest = newDeployment(f.Id, now)
	}
	if s.latest.id == f.Id {
		s.latest.apply(f, now)
	}
	s.failure = ""
}

// detailsWanted returns the deployments whose events should be read: incomplete ones that are over, and those in
// progress whose events do not arrive by socket.
func (p *Provider) detailsWanted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []string
	for _, s := range p.services {
		d := s.latest
		if d == nil || d.id == "" || len(ids) >= maxDetailsAtOnce {
			continue
		}
		if d.lacksEvents() || !d.phase().settled() && !p.streams[d.id] {
			ids = append(ids, d.id)
		}
	}
	return ids
}

// fetchDetails reads a deployment and its events.
func (p *Provider) fetchDetails(ctx context.Context, id string) {
	answer, err := deploymentAndEvents(ctx, p.client, id)
	if err != nil {
		p.log.Debug("cannot read a deployment's events", "deployment", id, "err", err)
		return
	}
	p.onDeployment(id, func(d *deployment, now time.Time) bool {
		news := d.apply(answer.Deployment, now)
		for _, edge := range answer.DeploymentEvents.Edges {
			news = d.addEvent(edge.Node, now) || news
		}
		if d.phase().settled() && !d.detailed {
			d.detailed, news = true, true
		}
		return news
	})
}

// onDeployment runs change on the deployment with that id, if one of our services has it, and reports a change.
func (p *Provider) onDeployment(id string, change func(d *deployment, now time.Time) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.services {
		if s.latest != nil && s.latest.id == id {
			if change(s.latest, time.Now()) {
				p.notifyChanged()
			}
			return
		}
	}
}

// resumeIncomplete continues services that were created but never deployed, because the control plane ended, and
// deletes those that were retired before Railway had created them.
func (p *Provider) resumeIncomplete(ctx context.Context) {
	type named struct{ id, label string }
	var finish, remove []named
	p.mu.Lock()
	for _, s := range p.services {
		one := named{s.id, s.label}
		switch {
		case p.jobs[s.label] != nil || s.failure != "":
		case p.retired[s.label]:
			remove = append(remove, one)
		case s.latest == nil && time.Since(s.seen) >= incompleteAge:
			finish = append(finish, one)
		}
	}
	p.mu.Unlock()
	for _, s := range remove {
		p.log.Info("deleting a service that was retired before it was created", "node", p.NodeName(s.label))
		if err := p.delete(ctx, s.id); err != nil {
			p.log.Warn("cannot delete a service", "node", p.NodeName(s.label), "err", err)
			continue
		}
		p.forget(s.id)
	}
	for _, s := range finish {
		p.group.Go(func() { p.finish(ctx, s.id, s.label) })
	}
}

// forget removes a service from the list.
func (p *Provider) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.services, id)
	p.notifyChanged()
}
