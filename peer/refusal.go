package peer

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	refusalEvery = time.Minute // one line for each address
	maxRefusals  = 256         // addresses remembered
)

// ErrWrongCookie says that the other node is of another cluster: it has none of
// this node's cookies.
var ErrWrongCookie = errors.New("the other node has another cookie")

// refusedThere is what the other side says that does not take this node's certificate: that of another cluster, or of
// an instance that had this address before.
const refusedThere = "remote error: tls: bad certificate"

// strangers are what memberlist and crypto/tls say of the other side's keys.
var strangers = []string{
	"no installed keys could decrypt", // gossip, either way
	"remote state is not encrypted",
	"signed by unknown authority", // TLS, here
	"unknown certificate authority",
	refusedThere,
	"didn't provide a certificate",
}

// isStranger tells whether an error's text is about the other side's keys.
// Neither library has values that errors.Is could compare.
func isStranger(text string) bool {
	for _, s := range strangers {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// refusals writes one line for each address that was refused, and not one for
// each packet of it.
type refusals struct {
	log  *slog.Logger
	mu   sync.Mutex
	last map[netip.Addr]time.Time
}

func (r *refusals) note(via, from, text string) {
	addr, err := netip.ParseAddrPort(from)
	if err != nil || !r.due(addr.Addr(), time.Now()) {
		return
	}
	if strings.Contains(text, refusedThere) {
		r.log.Info(
			"the other side refused this node: it has another cookie, or looks for an instance that is no more",
			"addr",
			from,
			"via",
			via,
		)
		return
	}
	r.log.Warn("refused: the other side does not have this cluster's cookie", "addr", from, "via", via)
}

// crowd says that an address has more connections than it may have that have not proved to be a member's.
func (r *refusals) crowd(port, from string) {
	addr, err := netip.ParseAddrPort(from)
	if err == nil && r.due(addr.Addr(), time.Now()) {
		r.log.Warn(
			"too many connections that have not proved to be a member's: the oldest are closed",
			"addr",
			from,
			"via",
			port,
		)
	}
}

func (r *refusals) due(addr netip.Addr, now time.Time) bool {
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

// lineLog takes the lines of a library that knows only package log.
type lineLog struct {
	log     *slog.Logger
	refused *refusals
	via     string // "gossip" or "calls"
	from    string // what stands before an address
}

// Write handles one line; package log writes each with one call.
func (l *lineLog) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	if isStranger(text) {
		l.refused.note(l.via, wordAfter(text, l.from), text)
	}
	if strings.Contains(text, "http: panic serving") {
		l.log.Error("handler panicked", "via", l.via, "err", text)
	} else {
		l.log.Debug("library says", "via", l.via, "line", text)
	}
	return len(line), nil
}

// wordAfter is the word that follows the last mark in a text, without a colon.
func wordAfter(text, mark string) string {
	i := strings.LastIndex(text, mark)
	if i < 0 {
		return ""
	}
	word, _, _ := strings.Cut(text[i+len(mark):], " ")
	return strings.TrimSuffix(word, ":")
}
