package railway

import (
	"context"
	"errors"
	"fmt"

	"convoy/fleet"
)

const deleteChecks = 4 // inventories after a delete, with growing pauses

// Retire deletes the service of a node and returns when Railway no longer lists it. It refuses services without this
// Convoy's marker, and its own. A missing service is not an error. Volumes stay and keep costing money: a notice names
// them.
func (p *Provider) Retire(ctx context.Context, name string, step func(fleet.Step)) error {
	label, err := p.labelOf(name)
	if err != nil {
		return err
	}
	if err := p.ready(); err != nil {
		return err
	}
	if err := p.interrupt(ctx, label); err != nil {
		return err
	}
	m := &creation{p: p, name: name, label: label, step: step}
	var found instanceFields
	err = m.track("looking up service", func() error {
		found, err = p.retirable(ctx, label)
		return err
	})
	switch {
	case errors.Is(err, ErrUnknown):
		p.markRetired("", label)
		return nil
	case err != nil:
		return err
	}
	volumes := p.volumesOf(ctx, found.ServiceId)
	if err := m.track("deleting service", func() error { return m.deleteService(ctx, found.ServiceId) }); err != nil {
		return m.explainDelete(err)
	}
	p.markRetired(found.ServiceId, label)
	for _, v := range volumes {
		m.track(v+" remains", func() error { return nil }) //nolint:errcheck // informational
		p.notice(
			fmt.Sprintf("%s was retired, and its %s remains", name, v),
			"a volume keeps its contents and costs money until you delete it on Railway's dashboard",
		)
	}
	return nil
}

// interrupt cancels the creation of a node in progress.
func (p *Provider) interrupt(ctx context.Context, label string) error {
	p.mu.Lock()
	w := p.jobs[label]
	p.mu.Unlock()
	if w == nil {
		return nil
	}
	w.cancel(errRetired)
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retirable finds a service and checks that it may be deleted. It reads the marker again: someone else may have taken
// over the service.
func (p *Provider) retirable(ctx context.Context, label string) (instanceFields, error) {
	found, err := p.findByName(ctx, label)
	if err != nil {
		return found, err
	}
	if found.ServiceId == p.cfg.Service {
		return found, ErrSelf
	}
	mine, err := p.hasMarker(ctx, found.ServiceId)
	if err == nil && !mine {
		err = fmt.Errorf("service %s: %w", label, ErrNotOurs)
	}
	return found, err
}

// volumesOf lists the volumes of a service, as "volume data at /data". Errors are only logged.
func (p *Provider) volumesOf(ctx context.Context, id string) (names []string) {
	project, env := p.scope()
	err := eachPage(func(after string) (page pageFields, err error) {
		answer, err := volumes(ctx, p.client, env, project, pageSize, after)
		if err != nil {
			return page, err
		}
		list := answer.Environment.VolumeInstances
		for _, edge := range list.Edges {
			if v := edge.Node; v.ServiceId == id {
				names = append(names, fmt.Sprintf("volume %s at %s",
					truncate(v.Volume.Name, maxTraceBytes), truncate(v.MountPath, maxTraceBytes)))
			}
		}
		return list.PageInfo, nil
	})
	if err != nil {
		p.log.Warn("cannot see volumes", "err", err)
	}
	return names
}

// deleteService deletes a service and verifies that.
func (m *creation) deleteService(ctx context.Context, id string) error {
	if err := m.sendDelete(ctx, id); err != nil {
		return err
	}
	for try := range deleteChecks {
		i, err := m.p.findByName(ctx, m.label)
		switch {
		case errors.Is(err, ErrUnknown), err == nil && i.ServiceId != id:
			return nil
		case err != nil && !is(err, Unavailable, RateLimited):
			return err
		}
		if !sleep(ctx, lookupPause<<try) {
			return context.Cause(ctx)
		}
	}
	return errors.New("railway reported that the service was deleted, but still lists it: retire it again, or delete " +
		"it on the dashboard")
}

// delete deletes a service without reporting steps.
func (p *Provider) delete(ctx context.Context, id string) error {
	return (&creation{p: p, step: func(fleet.Step) {}}).sendDelete(ctx, id)
}

// sendDelete deletes a service. A missing one is not an error.
func (m *creation) sendDelete(ctx context.Context, id string) error {
	_, env := m.p.scope()
	err := m.mutate(ctx, func(ctx context.Context) error {
		_, err := deleteService(ctx, m.p.client, id, env)
		return err
	}, repeatable)
	if is(err, NotFound) {
		return nil
	}
	return err
}

// markRetired removes a node from the list permanently. If a late answer brings its service back, that is deleted too.
func (p *Provider) markRetired(id, label string) {
	p.mu.Lock()
	p.retired[label] = true
	delete(p.services, id)
	p.notifyChanged()
	p.mu.Unlock()
	p.refreshNow()
}

func (m *creation) explainDelete(err error) error {
	if is(err, Unauthorized) {
		return fmt.Errorf(
			"Railway did not allow it: only an Owner or Admin of the workspace may delete services, by an account or "+
				"workspace token: %w",
			err,
		)
	}
	return err
}
