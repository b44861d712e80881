package peer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Lookup is a DNS query and its outcome.
type Lookup struct {
	Query   string           `json:"query"` // empty: polling is disabled
	At      time.Time        `json:"at"`
	Took    float64          `json:"took"`    // seconds
	Outcome string           `json:"outcome"` // with the name servers that did not answer
	Answers []netip.AddrPort `json:"answers"`
}

// recordLookup keeps the last lookup, which helps to explain a missing node.
func (p *poller) recordLookup(began time.Time, found []netip.AddrPort, err error) {
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
	if silent := p.dns.servers.silentOnes(); silent != "" {
		l.Outcome += "; silent: " + silent
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = l
}

func (p *poller) lastLookup() Lookup {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest
}

func isTimeout(err error) bool {
	var e *net.DNSError
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) && e.IsTimeout
}
