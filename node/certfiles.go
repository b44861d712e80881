package node

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// certFiles are a certificate and its key, read again when the files have changed.
type certFiles struct {
	cert, key string

	mu       sync.Mutex
	loaded   *tls.Certificate
	modTimes [2]time.Time
}

// load returns the certificate. Files that are half written, or gone, leave the last one in use.
func (c *certFiles) load() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var changed [2]time.Time
	for i, name := range []string{c.cert, c.key} {
		if info, err := os.Stat(name); err == nil {
			changed[i] = info.ModTime()
		}
	}
	if c.loaded != nil && changed == c.modTimes {
		return c.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil && c.loaded != nil {
		return c.loaded, nil
	}
	if err != nil {
		return nil, err
	}
	c.loaded, c.modTimes = &pair, changed
	return c.loaded, nil
}
