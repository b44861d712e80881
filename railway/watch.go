package railway

import (
	"context"
	"strings"
	"time"
)

const (
	idleInterval    = time.Minute      // between two looks while nothing goes on
	progressFirst   = 5 * time.Second  // between the first looks while something does
	progressLast    = 30 * time.Second // and later; mostly a socket brings the news anyway
	idleShare       = 0.25             // of the hourly limit that idle looks may use
	progressShare   = 0.6
	proofInterval   = 10 * time.Second // before a proof that failed for the moment is tried again
	proofLongest    = 10 * time.Minute
	pageSize        = 100
	maxPages        = 50
	halfMadeAge     = time.Minute // before a service that nobody deploys is finished here
	youngAge        = time.Minute // a service may be missing from one inventory for so long
	missesOfYoung   = 3
	endMargin       = time.Second
	maxDetailsAtOne = 10 // deployments whose events are asked for in one round
)

// watch looks at Railway until ctx ends: at once when kicked, else as often as the hourly limit and the situation
// allow.
func (p *Provider) watch(ctx context.Context) {
	tries, rounds := 0, 0
	for ctx.Err() == nil {
		var pause time.Duration
		if p.proved(ctx, tries) {
			tries = 0
			p.look(ctx)
			p.finishHalfMade(ctx)
			if rounds++; !p.busy() {
				rounds = 0
			}
			pause = p.interval(rounds)
		} else {
			pause = min(proofInterval<<min(tries, 8), proofLongest)
			tries++
		}
		timer := time.NewTimer(max(pause, p.client.budget.pause()))
		select {
		case <-timer.C:
		case <-p.kick:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// proved reports whether the token is proved, trying again if it was not.
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

// busy reports whether something is on its way, so that news are wanted soon. A deployment that waits for somebody's
// approval may do so for long, and its subscription tells.
func (p *Provider) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for label := range p.work {
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

// interval is the time until the next look, after so many rounds with something on its way.
func (p *Provider) interval(rounds int) time.Duration {
	if rounds == 0 {
		return min(max(idleInterval, p.client.budget.share(idleShare)), p.untilOverdue())
	}
	pause := min(progressFirst*time.Duration(rounds), progressLast)
	return min(max(pause, p.client.budget.share(progressShare)), p.untilOverdue())
}

// untilOverdue is the time until the next deployment misses its deadline: a status that no event announces.
func (p *Provider) untilOverdue() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	shortest := time.Hour
	for _, s := range p.services {
		if s.latest == nil || s.latest.phase().deadline() == 0 {
			continue
		}
		if left := time.Until(s.latest.since.Add(s.latest.phase().deadline())); left > 0 {
			shortest = min(shortest, left+endMargin)
		}
	}
	return shortest
}

// look asks for everything once: the inventory, whose services are whose, and the events that are wanted.
func (p *Provider) look(ctx context.Context) {
	list, err := p.inventory(ctx)
	if err != nil {
		if ctx.Err() == nil {
			p.log.Warn("cannot look at railway", "err", err)
		}
		if is(err, Unauthorized) { // the token was taken back
			p.prove(ctx)
		}
		return
	}
	p.take(ctx, list)
	for _, id := range p.wanted() {
		p.detail(ctx, id)
	}
}

// inventory reads all services of the environment.
func (p *Provider) inventory(ctx context.Context) ([]instanceFields, error) {
	project, env := p.place()
	var list []instanceFields
	after := ""
	for range maxPages {
		answer, err := inventory(ctx, p.client, env, project, pageSize, after)
		if err != nil {
			return nil, err
		}
		found := answer.Environment.ServiceInstances
		for _, edge := range found.Edges {
			list = append(list, edge.Node)
		}
		if !found.PageInfo.HasNextPage || found.PageInfo.EndCursor == "" || found.PageInfo.EndCursor == after {
			break
		}
		after = found.PageInfo.EndCursor
	}
	return list, nil
}

// take notes what an inventory says. What it does not have is gone, unless it is so young that the inventory may be
// older.
func (p *Provider) take(ctx context.Context, list []instanceFields) {
	present := make(map[string]bool, len(list))
	for _, i := range list {
		if !i.DeletedAt.IsZero() || !p.mayBeNode(i) || !p.ours(ctx, i.ServiceId) {
			continue
		}
		present[i.ServiceId] = true
		p.note(i)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, s := range p.services {
		if present[id] {
			s.missing = 0
			continue
		}
		s.missing++
		if young := time.Since(s.seen) < youngAge; !young || s.missing >= missesOfYoung {
			delete(p.services, id)
		}
	}
	p.listed = true
	p.touch()
}

// mayBeNode reports whether a service is named as our nodes are, and is not the one that this node runs in.
func (p *Provider) mayBeNode(i instanceFields) bool {
	return strings.HasPrefix(i.ServiceName, p.cfg.Prefix) && validLabel(i.ServiceName) && i.ServiceId != p.cfg.Service &&
		i.ServiceId != ""
}

// ours reports whether the service has our marker. That never changes, so it is asked once. When it cannot be told the
// answer is no until the next look.
func (p *Provider) ours(ctx context.Context, id string) bool {
	p.mu.Lock()
	known, strange := p.services[id] != nil, p.strangers[id]
	p.mu.Unlock()
	if known || strange {
		return known
	}
	mine, err := p.marked(ctx, id)
	if err != nil {
		p.log.Warn("cannot tell who made a service", "service", id, "err", err)
		return false
	}
	if !mine {
		p.mu.Lock()
		p.strangers[id] = true
		p.mu.Unlock()
	}
	return mine
}

// marked asks Railway for the marker of a service.
func (p *Provider) marked(ctx context.Context, id string) (bool, error) {
	project, env := p.place()
	answer, err := variablesOf(ctx, p.client, env, project, id)
	if err != nil {
		return false, err
	}
	return answer.Variables[MarkerVariable] == p.owner(), nil
}

// note takes over what the inventory says of one of our services.
func (p *Provider) note(i instanceFields) {
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

// follow makes the newest deployment the one that counts: Railway may deploy by itself.
func (s *service) follow(f deploymentFields, now time.Time) {
	if s.latest == nil || (s.latest.id != f.Id && !f.CreatedAt.Before(s.latest.created)) {
		s.latest = newDeployment(f.Id, now)
	}
	if s.latest.id == f.Id {
		s.latest.apply(f, now)
	}
	s.failure = ""
}

// wanted returns the deployments whose events should be asked for: those that are over and have not said everything,
// and those on their way whose events no socket brings.
func (p *Provider) wanted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []string
	for _, s := range p.services {
		d := s.latest
		if d == nil || d.id == "" || len(ids) >= maxDetailsAtOne {
			continue
		}
		if d.lacksEvents() || !d.phase().settled() && !p.streamed(d.id) {
			ids = append(ids, d.id)
		}
	}
	return ids
}

// detail asks for one deployment and its events.
func (p *Provider) detail(ctx context.Context, id string) {
	answer, err := deploymentAndEvents(ctx, p.client, id)
	if err != nil {
		p.log.Debug("cannot read a deployment's events", "deployment", id, "err", err)
		return
	}
	p.onDeployment(id, func(d *deployment, now time.Time) bool {
		news := d.apply(answer.Deployment, now)
		for _, edge := range answer.DeploymentEvents.Edges {
			news = d.event(edge.Node, now) || news
		}
		if d.phase().settled() && !d.detailed {
			d.detailed, news = true, true
		}
		return news
	})
}

// onDeployment runs change on the deployment of that id, if one of our services has it, and tells everybody of news.
func (p *Provider) onDeployment(id string, change func(d *deployment, now time.Time) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.services {
		if s.latest != nil && s.latest.id == id {
			if change(s.latest, time.Now()) {
				p.touch()
			}
			return
		}
	}
}

// finishHalfMade goes on with services that were made and never deployed, because the control plane ended meanwhile,
// and takes away those that were retired before Railway had made them.
func (p *Provider) finishHalfMade(ctx context.Context) {
	type named struct{ id, label string }
	var finish, remove []named
	p.mu.Lock()
	for _, s := range p.services {
		one := named{s.id, s.label}
		switch {
		case p.work[s.label] != nil || s.failure != "":
		case p.retired[s.label]:
			remove = append(remove, one)
		case s.latest == nil && time.Since(s.seen) >= halfMadeAge:
			finish = append(finish, one)
		}
	}
	p.mu.Unlock()
	for _, s := range remove {
		p.log.Info("deleting a service that was retired before it was made", "node", p.NodeName(s.label))
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

// forget takes a service off the list.
func (p *Provider) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.services, id)
	p.touch()
}
