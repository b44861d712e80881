package node

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"convoy/access"
)

const (
	expiresSoon = 14 * 24 * time.Hour
	warnEvery   = 24 * time.Hour
)

// certFiles loads a certificate and its key, and loads them again when the files change.
type certFiles struct {
	cert, key string
	log       *slog.Logger

	mu       sync.Mutex
	loaded   *tls.Certificate
	versions [2]access.FileVersion
	problem  error // why the newest files cannot be used; nil: they are
	warned   time.Time
}

// load returns the certificate. While the files are missing or incomplete, it returns the previous one.
func (c *certFiles) load() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var versions [2]access.FileVersion
	settled := true
	for i, name := range []string{c.cert, c.key} {
		versions[i], _ = access.VersionOf(name) //nolint:errcheck // loading reports it
		settled = settled && versions[i].Settled()
	}
	if c.loaded == nil || versions != c.versions || !settled {
		pair, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil && c.loaded == nil {
			return nil, err
		}
		c.versions = versions
		c.use(&pair, err)
	}
	if now := time.Now(); c.expiry().Sub(now) < expiresSoon && now.Sub(c.warned) >= warnEvery {
		c.warned = now
		c.log.Warn("the certificate expires soon", "expires", c.expiry())
	}
	return c.loaded, nil
}

// use takes a pair, or notes why there is none.
func (c *certFiles) use(pair *tls.Certificate, err error) {
	if err != nil && (c.problem == nil || c.problem.Error() != err.Error()) {
		c.log.Warn("the certificate cannot be read again; the previous one is served", "err", err)
	}
	if c.problem = err; err == nil {
		c.loaded = pair
	}
}

// expiry is when the certificate that is served ends.
func (c *certFiles) expiry() time.Time { return c.loaded.Leaf.NotAfter }

// warning is a notice about the certificate that is served, "" without one. A nil c has none.
func (c *certFiles) warning() (text, hint string) {
	if c == nil {
		return "", ""
	}
	if _, err := c.load(); err != nil {
		return "", "" // there was no page either
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	left := time.Until(c.expiry())
	switch {
	case left >= expiresSoon:
		return "", ""
	case left <= 0:
		text = "The certificate of this console has expired."
	case left < 48*time.Hour:
		text = fmt.Sprintf("The certificate of this console expires in %.0f h.", left.Hours())
	default:
		text = fmt.Sprintf("The certificate of this console expires in %.0f days.", left.Hours()/24)
	}
	if c.problem != nil {
		return text, "The new files cannot be used: see the node's log."
	}
	return text, "Renew the files of -tls-cert and -tls-key. The node reads them again when they change."
}
