package session

import (
	"context"
	"net/http"
	"strings"
	"time"

	"convoy/access"
)

// AssertionHeader identifies the user of a request between nodes. In requests of browsers and scripts it is ignored.
const AssertionHeader = "Convoy-Assertion"

const (
	// An assertion is valid for AssertionLife. The clocks of two nodes may differ by assertionSkew.
	AssertionLife = 30 * time.Second
	// It is used again for assertionUse, and so is what another node's says: to sign and to verify one takes as long as
	// all else that a key needs on its way to another node.
	assertionUse    = 5 * time.Second
	assertionSkew   = 5 * time.Minute
	assertionPrefix = "1." // its version
	// maxAssertion bounds an assertion, in bytes.
	maxAssertion = 2 << 10
)

// Assertion is what one node asserts to another about the user of a request.
type Assertion struct {
	Who   access.Identity `json:"who"`  // with the present role
	Addr  string          `json:"addr"` // of the user
	Until time.Time       `json:"until"`
}

// SignRequest adds an assertion to a request to another node: of the session of ctx, or else of the console itself,
// which may look.
func (m *Manager) SignRequest(ctx context.Context, to *http.Request) {
	s := shared(ctx)
	of := signer{s.Actor(), s.addr}
	if s.Grant == "" {
		of.who = access.NodeIdentity(m.Self)
	}
	now := time.Now()
	last, ok := m.signed.get(of)
	if age := now.Sub(last.at); !ok || age < 0 || age >= assertionUse {
		last = signed{Assertion{of.who, of.addr, now.Add(AssertionLife).UTC()}.Sign(m.Assertions[0]), now}
		m.signed.put(of, last)
	}
	to.Header.Set(AssertionHeader, last.text)
}

// signer is who an assertion is about, with the present role, and their address.
type signer struct {
	who  access.Identity
	addr string
}

// signed is an assertion, and when it was signed.
type signed struct {
	text string
	at   time.Time
}

// Sign encodes an assertion and its HMAC.
func (a Assertion) Sign(key []byte) string {
	return assertionPrefix + Keys{key}.sign(assertionPrefix, a)
}

// VerifyAssertion decodes an assertion; ok is false if it is forged, broken or expired.
func VerifyAssertion(signers [][]byte, given string, now time.Time) (a Assertion, ok bool) {
	signed, ok := strings.CutPrefix(given, assertionPrefix)
	if !ok || len(given) > maxAssertion || !Keys(signers).verify(assertionPrefix, signed, &a) {
		return Assertion{}, false
	}
	return a, a.current(now)
}

// current reports whether an assertion has begun and not expired.
func (a Assertion) current(now time.Time) bool {
	return now.Before(a.Until.Add(assertionSkew)) && now.After(a.Until.Add(-AssertionLife-assertionSkew))
}

// assertion is what another node says about a request. The same text, byte for byte, is verified once.
func (m *Manager) assertion(r *http.Request) (a Assertion, ok bool) {
	given, now := r.Header.Get(AssertionHeader), time.Now()
	if a, ok = m.verified.get(given); ok {
		return a, a.current(now)
	}
	if a, ok = VerifyAssertion(m.Assertions, given, now); ok {
		m.verified.put(strings.Clone(given), a)
	}
	return a, ok
}

// IdentifyPeer takes the session from a signed assertion of another node; without one the request is a stranger's. The
// other node ends the request when the user loses the right to it; this node refuses logins that have ended here.
func (m *Manager) IdentifyPeer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := m.assertion(r); ok {
			s := Session{Identity: a.Who, Role: a.Who.Role, addr: a.Addr}
			if !m.Authority.Grants.IsRevoked(s.Identity) {
				r = r.WithContext(With(r.Context(), s))
			}
		}
		next.ServeHTTP(w, r)
	})
}
