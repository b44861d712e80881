package handlers

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"convoy/access"
)

// statementHeader bears, between nodes, who it is that asks. Requests of browsers and scripts may bear it for nothing.
const statementHeader = "Convoy-Statement"

const (
	// statementLife is how long a statement is good, and statementSkew how far two nodes' clocks may be apart.
	statementLife = 30 * time.Second
	statementSkew = 5 * time.Minute
	// maxStatement bounds a statement, in bytes.
	maxStatement = 2 << 10
)

// statement is what one node tells another of who asks.
type statement struct {
	Who   access.Identity `json:"who"`  // with the role that they have now
	Addr  string          `json:"addr"` // where they ask from
	Until time.Time       `json:"until"`
}

// vouch has a request to another node say who asks: the login that the context is of, or else the console itself, which
// may look.
func (h *Handlers) vouch(ctx context.Context, to *http.Request) {
	s := sessionFrom(ctx)
	who := s.who()
	if s.Grant == "" {
		who = access.NodeIdentity(h.Self)
	}
	said := statement{who, s.addr, time.Now().Add(statementLife).UTC()}
	to.Header.Set(statementHeader, signStatement(h.Statements[0], said))
}

func signStatement(key []byte, said statement) string {
	body, _ := json.Marshal(said) //nolint:errcheck // strings and a time always marshal
	text := "1." + base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(key, text))
}

// readStatement verifies a statement; ok is false if it is forged, broken or over.
func readStatement(keys [][]byte, given string, now time.Time) (said statement, ok bool) {
	i := strings.LastIndexByte(given, '.')
	if i < 0 || len(given) > maxStatement {
		return statement{}, false
	}
	text := given[:i]
	sum, err := base64.RawURLEncoding.DecodeString(given[i+1:])
	if err != nil {
		return statement{}, false
	}
	for _, key := range keys {
		if !hmac.Equal(sum, mac(key, text)) {
			continue
		}
		version, coded, _ := strings.Cut(text, ".")
		body, err := base64.RawURLEncoding.DecodeString(coded)
		if version != "1" || err != nil || json.Unmarshal(body, &said) != nil {
			return statement{}, false
		}
		return said, now.Before(said.Until.Add(statementSkew)) && now.After(said.Until.Add(-statementLife-statementSkew))
	}
	return statement{}, false
}

// identifyPeer takes what another node says of who asks, if it is signed; else nobody asks. That node ends the request
// when they may not go on; what has been ended here is known here as well.
func (h *Handlers) identifyPeer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if said, ok := readStatement(h.Statements, r.Header.Get(statementHeader), time.Now()); ok {
			s := session{Identity: said.Who, Role: said.Who.Role, addr: said.Addr}
			if !h.Authority.Grants.IsRevoked(s.Identity) {
				r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, s))
			}
		}
		next.ServeHTTP(w, r)
	})
}
