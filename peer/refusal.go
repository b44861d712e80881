package peer

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	refusalEvery = time.Minute // one line per address
	maxRefusals  = 256         // remembered addresses
)

// ErrWrongCookie reports that the other node has none of this node's cookies.
var ErrWrongCookie = errors.New("the other node has a different cookie")

// badCertificate is how the other side rejects this node's certificate: with another cookie, or because it expects a
// previous instance at this address.
const badCertificate = "remote error: tls: bad certificate"

// keyErrors are the messages of memberlist and crypto/tls about the other side's keys.
var keyErrors = []string{
	"no installed keys could decrypt", // gossip, either direction
	"remote state is not encrypted",
	"signed by unknown authority", // TLS, here
	"unknown certificate authority",
	badCertificate,
	"didn't provide a certificate",
}

// isKeyError reports whether an error's text is about the other side's keys. Neither library exports such errors.
func isKeyError(text string) bool {
	return slices.ContainsFunc(keyErrors, func(s string) bool { return strings.Contains(text, s) })
}

// refusalLog logs one line for each refused address, instead of one for each packet.
type refusalLog struct {
	log  *slog.Logger
	mu   sync.Mutex
	last map[netip.Addr]time.Time
}

func (r *refusalLog) wrongCookie(via, from, text string) {
	addr, err := netip.ParseAddrPort(from)
	if err != nil || !r.due(addr.Addr(), time.Now()) {
		return
	}
	if strings.Contains(text, badCertificate) {
		r.log.Info("the other side refused this node: it has a different cookie, or expects a previous instance",
			"addr", from, "via", via)
		return
	}
	r.log.Warn("refused: the other side does not have this cluster's cookie", "addr", from, "via", via)
}

// tooMany logs that an address exceeds its unauthenticated connections.
func (r *refusalLog) tooMany(port, from string) {
	addr, err := netip.ParseAddrPort(from)
	if err == nil && r.due(addr.Addr(), time.Now()) {
		r.log.Warn("too many unauthenticated connections: closing the oldest", "addr", from, "via", port)
	}
}

func (r *refusalLog) due(addr netip.Addr, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.last[addr]; ok && now.Sub(last) < refusalEvery {
		return false
	}
	if len(r.last) >= maxRefusals || r.last == nil {
		r.last = map[netip.Addr]time.Time{}
	}
	r.last[addr] = now
	return true
}

// stdLog receives the lines of a library that uses package log.
type stdLog struct {
	log      *slog.Logger
	refusals *refusalLog
	via      string // "gossip" or "calls"
	from     string // text before an address
}

// Write handles one line; package log writes each with one call.
func (l *stdLog) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	if isKeyError(text) {
		l.refusals.wrongCookie(l.via, wordAfter(text, l.from), text)
	}
	if strings.Contains(text, "http: panic serving") {
		l.log.Error("handler panicked", "via", l.via, "err", text)
	} else {
		l.log.Debug("library log", "via", l.via, "line", text)
	}
	return len(line), nil
}

// wordAfter returns the word after the last mark in text, without a colon.
func wordAfter(text, mark string) string {
	i := strings.LastIndex(text, mark)
	if i < 0 {
		return ""
	}
	word, _, _ := strings.Cut(text[i+len(mark):], " ")
	return strings.TrimSuffix(word, ":")
}
