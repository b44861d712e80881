package node

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// certFiles loads a certificate and its key, and loads them again when the files change.
type certFiles struct {
	cert, key string

	mu       sync.Mutex
	loaded   *tls.Certificate
	modTimes [2]time.Time
}

// load returns the certificate. While the files are missing or incomplete, it returns the previous one.
func (c *certFiles) load() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var modTimes [2]time.Time
	for i, name := range []string{c.cert, c.key} {
		if info, err := os.Stat(name); err == nil {
			modTimes[i] = info.ModTime()
		}
	}
	if c.loaded != nil && modTimes == c.modTimes {
		return c.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil && c.loaded != nil {
		return c.loaded, nil
	}
	if err != nil {
		return nil, err
	}
	c.loaded, c.modTimes = &pair, modTimes
	return c.loaded, nil
}
