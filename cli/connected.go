package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"convoy/access"
	"convoy/handlers"
)

const (
	// maxConnected is how many Convoy shells that run elsewhere this node serves, and connectedIdle how long it
	// remembers one that asks nothing.
	maxConnected  = 64
	connectedIdle = 15 * time.Minute
)

// connectedShells are Convoy shells that ask this node by way of its console: convoy shell -connect.
type connectedShells struct {
	bound *access.Bound

	mu   sync.Mutex
	byID map[string]*connectedShell
}

// newConnected bounds them.
func newConnected() *access.Bound {
	return &access.Bound{Total: maxConnected, Reserve: 8, Each: 16}
}

type connectedShell struct {
	*beside
	asker  access.Who // of the latest request; guarded by connectedShells.mu
	asking int        // requests under way
	used   time.Time  // when the last one ended

	release func() // its place
}

// Evaluate does as handlers.Prompt says.
func (n *node) Evaluate(ctx context.Context, who access.Who, source string) (handlers.Evaluation, error) {
	got, err := n.eval(ctx, who, source)
	return handlers.Evaluation{Output: got.Output, Error: got.Error}, err
}

// Ask does as handlers.Prompt says.
func (n *node) Ask(ctx context.Context, who access.Who, shell, fn string, args []json.RawMessage) (any, error) {
	c, err := n.asking.take(n, who, shell)
	if err != nil {
		return nil, err
	}
	defer n.asking.done(c)
	return c.serve(ctx, fn, args)
}

// take finds the shell of that id, or makes it; the caller owes a done.
func (s *connectedShells) take(n *node, who access.Who, id string) (*connectedShell, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, c := range s.byID {
		if c.asking == 0 && time.Since(c.used) > connectedIdle {
			c.close()
			c.release()
			delete(s.byID, other)
		}
	}
	c := s.byID[id]
	if c == nil {
		release, err := s.bound.Take(access.Claim{Who: who})
		if err != nil {
			return nil, fmt.Errorf("no more Convoy shells of other machines: %w; one that is closed frees its place after %v", err, connectedIdle)
		}
		if s.byID == nil {
			s.byID = map[string]*connectedShell{}
		}
		c = &connectedShell{release: release}
		c.beside = n.newBeside(who.User, func() access.Who {
			s.mu.Lock()
			defer s.mu.Unlock()
			return c.asker
		})
		s.byID[id] = c
	}
	c.asker = who
	c.asking++
	return c, nil
}

func (s *connectedShells) done(c *connectedShell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.asking--
	c.used = time.Now()
}
