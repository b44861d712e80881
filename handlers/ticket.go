package handlers

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// claimTicket binds a new login to the page that it was made in, passTicket lets one document or stream in.
	claimTicket, passTicket = "claim", "pass"
	// claimLife is how long after a login it can be claimed, and passLife how long a pass is good.
	claimLife = time.Minute
	passLife  = 10 * time.Second
	// maxTicket bounds a ticket, in bytes.
	maxTicket = 512
	// maxUsed bounds the used tickets that one login has, and maxUsedInTotal those of all logins. Beyond it no ticket is
	// accepted until some have expired.
	maxUsed        = 256
	maxUsedInTotal = 16384
)

// ticket is good for one use by one login.
type ticket struct {
	Kind  string    `json:"kind"`
	Grant string    `json:"grant"`
	Nonce string    `json:"nonce"`
	Until time.Time `json:"until"`
}

// tickets issues tickets and accepts each of them once. Any node with the same keys accepts them too, each once. Its
// methods may be called by several goroutines.
type tickets struct {
	keys [][]byte // the first signs, all are accepted
	now  func() time.Time

	mu    sync.Mutex
	used  map[string][]ticket // by grant
	count int                 // of all used
}

func newTickets(keys [][]byte) *tickets {
	return &tickets{keys: keys, now: time.Now, used: map[string][]ticket{}}
}

// issue makes a ticket for a login.
func (t *tickets) issue(kind, grant string, life time.Duration) string {
	// Strings and a time always marshal.
	body, _ := json.Marshal(ticket{kind, grant, rand.Text(), t.now().Add(life).UTC()}) //nolint:errcheck
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(ticketMAC(t.keys[0], text))
}

// ticketMAC cannot be taken for a session's: no session's text holds a dot.
func ticketMAC(key []byte, text string) []byte { return mac(key, "ticket."+text) }

// use accepts a ticket of that kind for that login, and never again.
func (t *tickets) use(kind, grant, text string) bool {
	one, ok := t.read(text)
	if !ok || one.Kind != kind || one.Grant != grant {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
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

// valid reports whether a ticket's signature and form are right, and it has not expired; it may have been used.
func (t *tickets) valid(kind, grant, text string) bool {
	one, ok := t.read(text)
	return ok && one.Kind == kind && one.Grant == grant && t.now().Before(one.Until)
}

// read verifies a ticket's signature.
func (t *tickets) read(given string) (one ticket, ok bool) {
	text, sum, found := strings.Cut(given, ".")
	if !found || len(given) > maxTicket {
		return ticket{}, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil ||
		!slices.ContainsFunc(t.keys, func(key []byte) bool { return hmac.Equal(signature, ticketMAC(key, text)) }) {
		return ticket{}, false
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	return one, err == nil && json.Unmarshal(body, &one) == nil
}

// forget drops a login's tickets that have expired.
func (t *tickets) forget(grant string, now time.Time) {
	before := t.used[grant]
	after := slices.DeleteFunc(before, func(u ticket) bool { return !now.Before(u.Until) })
	t.count -= len(before) - len(after)
	if len(after) == 0 {
		delete(t.used, grant)
		return
	}
	t.used[grant] = after
}
