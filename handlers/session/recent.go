package session

import "sync"

// maxRecent bounds what a recent holds.
const maxRecent = 256

// recent remembers what was computed from something, and forgets everything when it is full. The zero value is ready.
// It is safe for concurrent use.
type recent[K comparable, V any] struct {
	mu    sync.Mutex
	known map[K]V
}

func (c *recent[K, V]) get(of K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok = c.known[of]
	return v, ok
}

func (c *recent[K, V]) put(of K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxRecent {
		c.known = map[K]V{}
	}
	c.known[of] = v
}
