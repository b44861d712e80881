package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"convoy/access"
	"convoy/access/openid"
	"convoy/audit"
)

const (
	// refusalsEvery is how long refused logins are counted before the audit log gets their number, and maxRefusing how
	// many addresses are told apart meanwhile: more than that become one entry, so that no crowd of addresses fills the
	// log.
	refusalsEvery = time.Minute
	maxRefusing   = 32
	// manyAddresses stands for the addresses that are not told apart.
	manyAddresses = "other addresses"
)

// refusals counts refused logins, by address, until their minute is over.
type refusals struct {
	write func(audit.Entry)

	mu     sync.Mutex
	byAddr map[string]*refusedAddr
	timer  *time.Timer
	shut   bool
}

// refusedAddr is what one address was refused in a minute.
type refusedAddr struct {
	first audit.Entry
	last  audit.Entry
	count int
}

// add counts one; first reports whether it is the first of its address in this minute.
func (c *refusals) add(e audit.Entry) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := access.AddrKey(e.Addr) + " " + e.Result
	if c.byAddr[key] == nil && len(c.byAddr) >= maxRefusing {
		key, e.Addr = manyAddresses, manyAddresses
	}
	if known := c.byAddr[key]; known != nil {
		known.count++
		known.last = e
		return false
	}
	if c.byAddr == nil {
		c.byAddr = map[string]*refusedAddr{}
	}
	c.byAddr[key] = &refusedAddr{first: e, last: e, count: 1}
	if c.timer == nil && !c.shut {
		c.timer = time.AfterFunc(refusalsEvery, c.flush)
	}
	return true
}

// flush writes what was counted, one entry for each address.
func (c *refusals) flush() {
	c.mu.Lock()
	counted := c.byAddr
	c.byAddr = nil
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	c.mu.Unlock()
	for _, one := range counted {
		c.write(one.entry())
	}
}

// close writes what is left. What comes later is written by the next flush, or not at all.
func (c *refusals) close() {
	c.mu.Lock()
	c.shut = true
	c.mu.Unlock()
	c.flush()
}

// entry is what the audit log gets. Names are as they were typed, if they could be names at all.
func (r *refusedAddr) entry() audit.Entry {
	e := r.first
	if r.count == 1 {
		return e
	}
	said := fmt.Sprintf("%d times in %s", r.count, r.last.Time.Sub(r.first.Time).Round(time.Second))
	if r.first.User != r.last.User {
		said += fmt.Sprintf(", first as %q, last as %q", r.first.User, r.last.User)
	}
	e.Detail = join(e.Detail, said)
	return e
}

// loginRefused counts a login that was refused, for the audit log. The node's own log has the first of each minute,
// with what the reader is not told, and without the name: it may be a password that was typed in the wrong field.
func (h *Handlers) loginRefused(r *http.Request, s session, how string, err error) {
	e := audit.Entry{
		Time:   time.Now(),
		Node:   h.Self,
		User:   s.User,
		Addr:   h.addrOf(r),
		Action: "login",
		Target: h.Self,
		Result: audit.Refused,
		Detail: how,
	}
	if s.subject != "" {
		e.Detail = join(how, "sub "+s.subject)
	}
	if down, ok := errors.AsType[*openid.Error](err); ok && down.Kind == openid.Unavailable {
		e.Result = audit.Failed
	}
	if !h.refusals.add(e) {
		return
	}
	attrs := []any{"by", how, "addr", e.Addr, "err", err}
	if cause := errors.Unwrap(err); cause != nil {
		attrs = append(attrs, "cause", cause)
	}
	h.Log.Warn("login refused", attrs...)
}
