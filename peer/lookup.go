package peer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Lookup is one question to DNS and what came of it.
type Lookup struct {
	Query   string           `json:"query"` // empty: nothing is polled
	At      time.Time        `json:"at"`
	Took    float64          `json:"took"` // s
	Outcome string           `json:"outcome"`
	Answers []netip.AddrPort `json:"answers"`
}

// noteLookup keeps what DNS said last, for whoever looks for the reason that a
// node is missing.
func (p *poller) noteLookup(began time.Time, found []netip.AddrPort, err error) {
	l := Lookup{Query: p.query, At: began.UTC(), Took: time.Since(began).Seconds(), Outcome: "answered", Answers: found}
	switch {
	case err == nil && len(found) == 0:
		l.Outcome = "no address"
	case err == nil:
	case isNoName(err):
		l.Outcome = "no such name, or no address"
	case isTimeout(err):
		l.Outcome = "no answer in time"
	default:
		l.Outcome = err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = l
}

// lastLookup is what DNS said last.
func (p *poller) lastLookup() Lookup {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func isTimeout(err error) bool {
	var e *net.DNSError
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) && e.IsTimeout
}
