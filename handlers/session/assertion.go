package session

import (
	"context"
	"net/http"
	"strings"
	"time"

	"convoy/access"
)

// AssertionHeader identifies the user of a request between nodes. In requests of browsers and scripts it is ignored.
const AssertionHeader = "Convoy-Statement"

const (
	// An assertion is valid for AssertionLife. The clocks of two nodes may differ by assertionSkew.
	AssertionLife   = 30 * time.Second
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
	s := From(ctx)
	who := s.Actor()
	if s.Grant == "" {
		who = access.NodeIdentity(m.Self)
	}
	a := Assertion{who, s.addr, time.Now().Add(AssertionLife).UTC()}
	to.Header.Set(AssertionHeader, a.Sign(m.Assertions[0]))
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
	return a, now.Before(a.Until.Add(assertionSkew)) && now.After(a.Until.Add(-AssertionLife-assertionSkew))
}

// IdentifyPeer takes the session from a signed assertion of another node; without one the request is a stranger's. The
// other node ends the request when the user loses the right to it; this node refuses logins that have ended here.
func (m *Manager) IdentifyPeer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := VerifyAssertion(m.Assertions, r.Header.Get(AssertionHeader), time.Now()); ok {
			s := Session{Identity: a.Who, Role: a.Who.Role, addr: a.Addr}
			if !m.Authority.Grants.IsRevoked(s.Identity) {
				r = r.WithContext(With(r.Context(), s))
			}
		}
		next.ServeHTTP(w, r)
	})
}
