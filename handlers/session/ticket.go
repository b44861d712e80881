package session

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

const (
	// A claimTicket binds a new login to the page where it was made, a passTicket opens one document or stream.
	claimTicket, passTicket = "claim", "pass"
	// A login can be claimed for claimLife; a pass is valid for passLife.
	claimLife    = time.Minute
	passLife     = 10 * time.Second
	ticketPrefix = "ticket."
	// maxTicket bounds a ticket, in bytes.
	maxTicket = 512
	// maxUsed bounds the used tickets of one login, and maxUsedInTotal those of all logins. Beyond it no ticket is
	// accepted until some have expired.
	maxUsed        = 256
	maxUsedInTotal = 16384
)

// ticket is valid once, for one login.
type ticket struct {
	Kind  string    `json:"kind"`
	Grant string    `json:"grant"`
	Nonce string    `json:"nonce"`
	Until time.Time `json:"until"`
}

// Tickets issues tickets and accepts each of them once. Any node with the same keys accepts them too, each once. Its
// methods may be called concurrently.
type Tickets struct {
	Now  func() time.Time
	keys Keys

	mu    sync.Mutex
	used  map[string][]ticket // by grant
	count int                 // of all used
}

// NewTickets issues tickets with the first key, and accepts those of all keys.
func NewTickets(keys [][]byte) *Tickets {
	return &Tickets{keys: keys, Now: time.Now, used: map[string][]ticket{}}
}

// Issue makes a ticket for a login.
func (t *Tickets) Issue(kind, grant string, life time.Duration) string {
	return t.keys.sign(ticketPrefix, ticket{kind, grant, rand.Text(), t.Now().Add(life).UTC()})
}

// use accepts a ticket of that kind for that login, once.
func (t *Tickets) use(kind, grant, text string) bool {
	one, ok := t.read(text)
	if !ok || one.Kind != kind || one.Grant != grant {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Now()
	if !now.Before(one.Until) {
		return false
	}
	t.forget(grant, now)
	if t.count >= maxUsedInTotal {
		for other := range t.used {
			t.forget(other, now)
		}
	}
	mine := t.used[grant]
	again := slices.ContainsFunc(mine, func(u ticket) bool { return u.Nonce == one.Nonce })
	if again || len(mine) >= maxUsed || t.count >= maxUsedInTotal {
		return false
	}
	t.used[grant] = append(mine, one)
	t.count++
	return true
}

// valid reports whether a ticket is signed and has not expired. It may have been used.
func (t *Tickets) valid(kind, grant, text string) bool {
	one, ok := t.read(text)
	return ok && one.Kind == kind && one.Grant == grant && t.Now().Before(one.Until)
}

// read verifies a ticket's signature.
func (t *Tickets) read(given string) (one ticket, ok bool) {
	ok = len(given) <= maxTicket && t.keys.verify(ticketPrefix, given, &one)
	return one, ok
}

// forget drops a login's tickets that have expired.
func (t *Tickets) forget(grant string, now time.Time) {
	before := t.used[grant]
	after := slices.DeleteFunc(before, func(u ticket) bool { return !now.Before(u.Until) })
	t.count -= len(before) - len(after)
	if len(after) == 0 {
		delete(t.used, grant)
		return
	}
	t.used[grant] = after
}
