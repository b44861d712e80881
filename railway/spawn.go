package railway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"convoy/fleet"
)

const (
	mutationTries = 4
	lookupTries   = 3                // after a lost answer: the mutation may still be in transit
	lookupPause   = 2 * time.Second  // between lookups
	mutationGrace = 5 * time.Second  // how long a mutation may continue after its context ended, to learn its outcome
	reasonWait    = 20 * time.Second // for the reason of a failed deployment
	maxLimitWait  = 5 * time.Minute  // for the rate limit, per wait
	limitStep     = "waiting for railway's rate limit"
)

// creation is the creation, or removal, of one node.
type creation struct {
	p     *Provider
	name  string // full name
	label string
	step  func(fleet.Step)
}

// Spawn creates a service without a source, configures it, deploys it once, and returns when it runs. If anything fails
// before the deployment, it deletes the service; if ctx ends, the service stays, and the next start finishes it unless
// it is retired before. Spawning a name again continues the previous attempt.
func (p *Provider) Spawn(ctx context.Context, name string, step func(fleet.Step)) error {
	label, err := p.labelOf(name)
	if err != nil {
		return err
	}
	if err := p.ready(); err != nil {
		return err
	}
	ctx, end, err := p.begin(ctx, label)
	if err != nil {
		return err
	}
	defer end()
	m := &creation{p: p, name: name, label: label, step: step}
	id, err := m.create(ctx)
	if err != nil {
		return m.explain(ctx, err)
	}
	if err := m.deploy(ctx, id); err != nil {
		return m.cleanUp(ctx, id, m.explain(ctx, err))
	}
	return p.await(ctx, id)
}

// finish completes the creation of a service that was never deployed.
func (p *Provider) finish(ctx context.Context, id, label string) {
	ctx, end, err := p.begin(ctx, label)
	if err != nil {
		return
	}
	defer end()
	p.log.Info("finishing an incomplete service", "node", p.NodeName(label))
	m := &creation{p: p, name: p.NodeName(label), label: label, step: func(fleet.Step) {}}
	if err := m.deploy(ctx, id); err != nil && ctx.Err() == nil {
		p.log.Error("cannot finish an incomplete service", "node", m.name, "err", err)
		p.setFailure(id, fmt.Sprintf("it was incomplete and could not be finished: %v; retire it", err))
	}
}

// setFailure records why a service could not be created.
func (p *Provider) setFailure(id, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.services[id]; s != nil {
		s.failure = why
		p.notifyChanged()
	}
}

// begin registers the creation of a node; end must be called.
func (p *Provider) begin(ctx context.Context, label string) (_ context.Context, end func(), _ error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jobs[label] != nil {
		return nil, nil, errBusy
	}
	if p.ctx == nil || p.ctx.Err() != nil {
		return nil, nil, errClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.ctx, func() { cancel(errClosed) })
	w := &job{cancel: cancel, done: make(chan struct{})}
	p.jobs[label] = w
	delete(p.retired, label)
	p.refreshNow()
	return ctx, func() {
		stop()
		cancel(nil)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.jobs, label)
		close(w.done)
	}, nil
}

// track reports a step around do.
func (m *creation) track(name string, do func() error) error {
	end := fleet.Begin(m.step, name)
	return end(do())
}

// graceContext is ctx, but lasts slightly longer: an interrupted mutation leaves its outcome unknown.
func graceContext(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		sleep(longer, mutationGrace)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// mutate sends a mutation, and repeats it after the rate limit, or after a lost answer if retry agrees.
func (m *creation) mutate(
	ctx context.Context, send func(context.Context) error, retry func() (done bool, err error),
) error {
	for try := 1; ; try++ {
		longer, cancel := graceContext(ctx)
		err := send(longer)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case is(err, RateLimited) && try < mutationTries:
			if !m.waitForLimit(ctx, err) {
				return err
			}
		case is(err, Unavailable):
			done, doubt := retry()
			switch {
			case doubt != nil:
				return fmt.Errorf("%w; %w", err, doubt)
			case done:
				return nil
			case try >= mutationTries:
				return err
			}
			if !sleep(ctx, m.p.client.retry(try)) {
				return context.Cause(ctx)
			}
		default:
			return err
		}
	}
}

// repeatable agrees to send a mutation again that has no effect the second time.
func repeatable() (done bool, err error) { return false, nil }

// waitForLimit waits as long as Railway asked for, and shows that in the timeline.
func (m *creation) waitForLimit(ctx context.Context, err error) bool {
	limited, ok := errors.AsType[*Error](err)
	if !ok || limited.RetryAfter > maxLimitWait {
		return false
	}
	return m.track(limitStep, func() error {
		if !sleep(ctx, max(limited.RetryAfter, time.Second)) {
			return context.Cause(ctx)
		}
		return nil
	}) == nil
}

// create creates the service, or finds the one from an earlier attempt.
func (m *creation) create(ctx context.Context) (id string, err error) {
	var variables map[string]string
	err = m.track("preparing", func() error {
		if _, err := m.p.nodeSource(ctx); err != nil {
			return err
		}
		variables, err = m.p.variables(ctx, m.name)
		return err
	})
	if err != nil {
		return "", err
	}
	project, env := m.p.scope()
	in := serviceCreateInput{ProjectId: project, EnvironmentId: env, Name: m.label, Variables: variables}
	err = m.track("creating service", func() error {
		err := m.mutate(ctx, func(ctx context.Context) error {
			answer, err := createService(ctx, m.p.client, in)
			if err == nil {
				id = answer.ServiceCreate.Id
			}
			return err
		}, func() (bool, error) {
			id, err = m.lookUp(ctx)
			return id != "", err
		})
		if is(err, NameTaken) {
			if id, err = m.lookUp(ctx); err == nil && id == "" {
				err = fmt.Errorf("a service %s already exists, but Railway does not show it", m.label)
			}
		}
		return err
	})
	if err == nil {
		m.adopt(id)
	}
	return id, err
}

// lookUp finds our service with that name after a lost answer. A foreign one is an error.
func (m *creation) lookUp(ctx context.Context) (string, error) {
	for try := range lookupTries {
		if try > 0 && !sleep(ctx, lookupPause) {
			return "", context.Cause(ctx)
		}
		i, err := m.p.findByName(ctx, m.label)
		if errors.Is(err, ErrUnknown) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("it is unknown whether the service was created: %w", err)
		}
		mine, err := m.p.hasMarker(ctx, i.ServiceId)
		if err == nil && !mine {
			err = fmt.Errorf("service %s: %w", m.label, ErrNotOurs)
		}
		return i.ServiceId, err
	}
	return "", nil
}

// findByName finds a service by its name.
func (p *Provider) findByName(ctx context.Context, label string) (instanceFields, error) {
	list, err := p.inventory(ctx)
	if err != nil {
		return instanceFields{}, err
	}
	for _, i := range list {
		if i.ServiceName == label && i.DeletedAt.IsZero() {
			return i, nil
		}
	}
	return instanceFields{}, ErrUnknown
}

// adopt adds a new service to the list.
func (m *creation) adopt(id string) {
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	if m.p.services[id] == nil {
		now := time.Now()
		m.p.services[id] = &service{id: id, label: m.label, seen: now, created: now.UTC()}
	}
	m.p.notifyChanged()
}

// deploy configures the service and deploys it, unless Railway has done that on its own.
func (m *creation) deploy(ctx context.Context, id string) error {
	what, err := m.p.nodeSource(ctx)
	if err != nil {
		return err
	}
	_, env := m.p.scope()
	err = m.track("configuring", func() error {
		return m.mutate(ctx, func(ctx context.Context) error {
			_, err := updateInstance(ctx, m.p.client, id, env, m.p.settings(what))
			return err
		}, repeatable)
	})
	if err != nil {
		return err
	}
	return m.track("starting deployment", func() error {
		if there, err := m.deployed(ctx, id); there || err != nil {
			return err
		}
		return m.mutate(ctx, func(ctx context.Context) error {
			answer, err := deployInstance(ctx, m.p.client, id, env)
			if err == nil {
				m.follow(id, deploymentFields{Id: answer.ServiceInstanceDeployV2})
			}
			return err
		}, func() (bool, error) { return m.deployedWithRetries(ctx, id) })
	})
}

// deployedWithRetries is deployed, with retries.
func (m *creation) deployedWithRetries(ctx context.Context, id string) (bool, error) {
	for try := range lookupTries {
		if try > 0 && !sleep(ctx, lookupPause) {
			return false, context.Cause(ctx)
		}
		if there, err := m.deployed(ctx, id); there || err != nil {
			return there, err
		}
	}
	return false, nil
}

// deployed reports whether the service has a deployment, and follows it.
func (m *creation) deployed(ctx context.Context, id string) (bool, error) {
	_, env := m.p.scope()
	answer, err := oneInstance(ctx, m.p.client, env, id)
	if err != nil {
		return false, err
	}
	d := answer.ServiceInstance.LatestDeployment
	if d == nil {
		return false, nil
	}
	m.follow(id, *d)
	return true, nil
}

// follow makes the watcher follow a deployment.
func (m *creation) follow(id string, f deploymentFields) {
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	s := m.p.services[id]
	if s == nil {
		return
	}
	if f.Status == "" { // only its id is known
		if s.latest == nil {
			s.latest = newDeployment(f.Id, time.Now())
		}
	} else {
		s.follow(f, time.Now())
	}
	m.p.notifyChanged()
	m.p.refreshNow()
}

// await waits until the service runs, or has failed.
func (p *Provider) await(ctx context.Context, id string) error {
	for {
		p.mu.Lock()
		changed, s := p.changed, p.services[id]
		if s == nil {
			p.mu.Unlock()
			return ErrVanished
		}
		now := time.Now()
		status := s.describe("", now)
		settling := s.latest != nil && s.latest.phase() == failed && !s.latest.detailed &&
			now.Sub(s.latest.since) < reasonWait
		asleepNow := s.latest != nil && s.latest.phase() == asleep
		p.mu.Unlock()
		switch {
		case status.Running || asleepNow:
			return nil
		case !status.Provisioning && !settling:
			return errors.New(status.Message)
		}
		select {
		case <-changed:
		case <-time.After(min(p.untilOverdue(), reasonWait)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// explain adds what users can do about an error.
func (m *creation) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case is(err, Unauthorized) && m.p.client.kind.Load() == ProjectToken:
		return fmt.Errorf(
			"Railway did not let a project token make a service: set RAILWAY_API_TOKEN to an account or workspace token: %w",
			err,
		)
	case is(err, Unauthorized):
		return fmt.Errorf(
			"Railway did not allow it: the token's owner must be a member of the project's workspace who may change services: "+
				"%w",
			err,
		)
	case is(err, RateLimited):
		return fmt.Errorf("Railway's rate limit is reached: wait, then spawn again: %w", err)
	case is(err, Unavailable):
		return fmt.Errorf("Railway's API does not answer properly: spawn again later: %w", err)
	default:
		return err
	}
}

// cleanUp deletes a service that could not be deployed. If ctx has ended, it stays: the next start finishes it, or the
// canceller retires it.
func (m *creation) cleanUp(ctx context.Context, id string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	left := m.track("cleaning up", func() error { return m.p.delete(ctx, id) })
	if left == nil {
		m.p.forget(id)
		return err
	}
	m.p.setFailure(id, err.Error())
	return fmt.Errorf("%w; its service could not be deleted either: retire it", err)
}
