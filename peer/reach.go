package peer

import (
	"time"

	"convoy/fleet"
)

const (
	recheckInterval = time.Second
	recheckTimeout  = 3 * time.Second // of one check
)

// CallError says why this node cannot call an instance that gossip considers alive and that Members shows as
// unreachable. It is nil for one that can be called, or was not called recently. Changed is closed when it changes.
func (c *Cluster) CallError(instance string) error { return c.roster.callError(instance) }

// connLost handles a connection to an instance that could not be opened or went silent, with the error, or that the
// other side ended, without one. Gossip needs seconds to detect a death; a refused call shows it immediately. So the
// instance is called, and again every second while that fails and gossip considers it alive.
func (c *Cluster) connLost(instance string, err error) {
	if !c.roster.beginCheck(instance) {
		return
	}
	if !c.group.run(func() { c.recheck(instance, err) }) {
		c.roster.endCheck(instance)
	}
}

func (c *Cluster) recheck(instance string, err error) {
	defer c.roster.endCheck(instance)
	tick := time.NewTicker(recheckInterval)
	defer tick.Stop()
	for c.roster.isAlive(instance) {
		if err == nil {
			err = c.client.ping(c.ctx, instance)
		}
		if c.ctx.Err() != nil {
			return
		}
		c.recordCall(instance, err)
		if err == nil {
			return
		}
		err = nil
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			return
		}
	}
}

// recordCall records whether an instance can be called.
func (c *Cluster) recordCall(instance string, err error) {
	m, news := c.roster.setCallError(instance, err)
	switch {
	case news && err != nil:
		c.log.Warn("member unreachable from here", "member", m.Name, "instance", instance, "addr", m.CallAddr, "err", err)
	case news:
		c.log.Info("member reachable again", "member", m.Name, "instance", instance)
	}
}

// beginCheck reports whether to check an instance: not if a check is running.
func (r *roster) beginCheck(instance string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[instance]
	if m == nil || m.checking || m.State != fleet.MemberAlive {
		return false
	}
	m.checking = true
	return true
}

func (r *roster) endCheck(instance string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[instance]; m != nil {
		m.checking = false
	}
}

// setCallError records whether an instance can be called, and reports whether that changed.
func (r *roster) setCallError(instance string, err error) (fleet.Member, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[instance]
	if m == nil || m.State != fleet.MemberAlive {
		return fleet.Member{}, false
	}
	if err == nil {
		m.called = time.Now()
	}
	news := (m.callErr == nil) != (err == nil)
	m.callErr = err
	if news {
		r.signal()
	}
	return m.Member, news
}

// calledSince reports whether an instance was reached after a time: then the failure of an older attempt means nothing.
func (r *roster) calledSince(instance string, when time.Time) bool {
	return r.calledAt(instance).After(when)
}

// calledAt is when an instance was last reached, zero if it never was.
func (r *roster) calledAt(instance string) time.Time {
	e, _ := r.find(instance)
	return e.called
}

func (r *roster) callError(instance string) error {
	if e, ok := r.find(instance); ok && e.State == fleet.MemberAlive {
		return e.callErr
	}
	return nil
}
