package session

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"convoy/access"
	"convoy/access/openid"
	"convoy/audit"
	"convoy/handlers/web"
)

const (
	// failuresEvery is how long failed logins are counted before the audit log gets their number. Meanwhile
	// MaxFailedAddrs addresses are counted apart. The others become one entry, so that they cannot fill the log.
	failuresEvery  = time.Minute
	MaxFailedAddrs = 32
	otherAddrs     = "other addresses"
)

// failures counts failed logins by address, for a minute.
type failures struct {
	write func(audit.Entry)

	mu     sync.Mutex
	byAddr map[string]*failedAddr
	timer  *time.Timer
	shut   bool
}

// failedAddr is the failed logins of one address in a minute.
type failedAddr struct {
	first audit.Entry
	last  audit.Entry
	count int
}

// add counts one; first reports whether it is the first of its address in this minute.
func (c *failures) add(e audit.Entry) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := access.AddrKey(e.Addr) + " " + e.Result
	if c.byAddr[key] == nil && len(c.byAddr) >= MaxFailedAddrs {
		key, e.Addr = otherAddrs, otherAddrs
	}
	if known := c.byAddr[key]; known != nil {
		known.count++
		known.last = e
		return false
	}
	if c.byAddr == nil {
		c.byAddr = map[string]*failedAddr{}
	}
	c.byAddr[key] = &failedAddr{first: e, last: e, count: 1}
	if c.timer == nil && !c.shut {
		c.timer = time.AfterFunc(failuresEvery, c.flush)
	}
	return true
}

// flush writes one entry for each address.
func (c *failures) flush() {
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

// close flushes. Later failures are written by the next flush, or not at all.
func (c *failures) close() {
	c.mu.Lock()
	c.shut = true
	c.mu.Unlock()
	c.flush()
}

// entry is the one for the audit log. Names are as they were typed, if they are valid.
func (r *failedAddr) entry() audit.Entry {
	e := r.first
	if r.count == 1 {
		return e
	}
	count := fmt.Sprintf("%d times in %s", r.count, r.last.Time.Sub(r.first.Time).Round(time.Second))
	if r.first.User != r.last.User {
		count += fmt.Sprintf(", first as %q, last as %q", r.first.User, r.last.User)
	}
	e.Detail = join(e.Detail, count)
	return e
}

// FlushFailures records the failed logins that were counted until now.
func (m *Manager) FlushFailures() { m.failures.flush() }

// countFailure counts a failed login for the audit log. The node's log gets the first of each minute with its cause,
// but without the name: it may be a password that was typed into the wrong field.
func (m *Manager) countFailure(r *http.Request, s Session, how string, err error) {
	e := m.entry(s, web.Addr(r), "login")
	e.Time, e.Result, e.Detail = time.Now(), audit.Refused, how
	if s.subject != "" {
		e.Detail = join(how, "sub "+s.subject)
	}
	if down, ok := errors.AsType[*openid.Error](err); ok && down.Kind == openid.Unavailable {
		e.Result = audit.Failed
	}
	if !m.failures.add(e) {
		return
	}
	attrs := []any{"by", how, "addr", e.Addr, "err", err}
	if cause := errors.Unwrap(err); cause != nil {
		attrs = append(attrs, "cause", cause)
	}
	m.Log.Warn("login refused", attrs...)
}
