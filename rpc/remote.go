package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"convoy/access"
)

const (
	// maxRemote is how many Convoy shells that run elsewhere this node serves, and remoteIdle how long it
	// remembers one that asks nothing.
	maxRemote  = 64
	remoteIdle = 15 * time.Minute
)

// remoteSessions are Convoy shells that ask this node by way of its console: convoy shell -connect.
type remoteSessions struct {
	quota *access.Quota

	mu   sync.Mutex
	byID map[string]*remoteSession
}

// newRemote bounds them.
func newRemoteQuota() *access.Quota {
	return &access.Quota{Total: maxRemote, Reserve: 8, PerUser: 16}
}

type remoteSession struct {
	*session
	asker     access.Identity // of the latest request; guarded by remoteSessions.mu
	active    int             // requests under way
	idleSince time.Time       // when the last one ended

	release func() // its place
}

// Ask does what the Convoy shell of that id, which runs elsewhere, asks of this node in somebody's name. The error is
// for its reader. Any number of goroutines may ask at once.
func (s *Service) Ask(ctx context.Context, who access.Identity, shell, fn string, args []json.RawMessage) (any, error) {
	remote, err := s.remote.acquire(s, who, shell)
	if err != nil {
		return nil, err
	}
	defer s.remote.release(remote)
	return remote.serve(ctx, fn, args)
}

// take finds the shell of that id, or makes it; the caller owes a done.
func (s *remoteSessions) acquire(service *Service, who access.Identity, id string) (*remoteSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, c := range s.byID {
		if c.active == 0 && time.Since(c.idleSince) > remoteIdle {
			c.close()
			c.release()
			delete(s.byID, other)
		}
	}
	c := s.byID[id]
	if c == nil {
		release, err := s.quota.TryAcquire(access.Claim{Identity: who})
		if err != nil {
			return nil, fmt.Errorf("no more Convoy shells of other machines: %w; "+
				"one that is closed frees its place after %v", err, remoteIdle)
		}
		if s.byID == nil {
			s.byID = map[string]*remoteSession{}
		}
		c = &remoteSession{release: release}
		c.session = service.newSession(who.User, func() access.Identity {
			s.mu.Lock()
			defer s.mu.Unlock()
			return c.asker
		})
		s.byID[id] = c
	}
	c.asker = who
	c.active++
	return c, nil
}

func (s *remoteSessions) release(c *remoteSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.active--
	c.idleSince = time.Now()
}
