package peer

import (
	"time"

	"convoy/fleet"
)

const (
	recheckInterval = time.Second
	recheckTimeout  = 3 * time.Second // of one check
)

// CallError says why an instance that gossip has alive cannot be called from
// here: Members shows it as unreachable. It is nil for one that can, or has not
// been called lately. Changed is closed when it changes.
func (c *Cluster) CallError(instance string) error { return c.roster.callError(instance) }

// lostTouch is told when a connection to an instance could not be made or has gone
// silent, with the error, or was ended by the other side, without one. Gossip
// notices a death after some seconds; a call that is refused tells it at once. So
// the instance is called, and again each second while that fails and gossip has it
// alive.
func (c *Cluster) lostTouch(instance string, err error) {
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
		c.noteCall(instance, err)
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

// noteCall takes note of whether an instance can be called.
func (c *Cluster) noteCall(instance string, err error) {
	m, news := c.roster.setCallError(instance, err)
	switch {
	case news && err != nil:
		c.log.Warn("member unreachable from here", "member", m.Name, "instance", instance, "addr", m.CallAddr, "err", err)
	case news:
		c.log.Info("member reachable again", "member", m.Name, "instance", instance)
	}
}

// beginCheck reports whether an instance is to be checked: not if it is already.
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

// setCallError takes note of whether an instance can be called, and says whether
// that is news.
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

// calledSince reports whether an instance was reached after a time: then an older
// attempt that fails later says nothing.
func (r *roster) calledSince(instance string, when time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[instance]
	return m != nil && m.called.After(when)
}

func (r *roster) callError(instance string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[instance]; m != nil && m.State == fleet.MemberAlive {
		return m.callErr
	}
	return nil
}
