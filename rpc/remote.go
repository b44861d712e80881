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
	// maxRemote is how many Convoy shells on other machines this node serves, and remoteIdle how long it keeps one that
	// makes no calls.
	maxRemote  = 64
	remoteIdle = 15 * time.Minute
)

// remoteSessions are the sessions of Convoy shells that call this node through its console: convoy shell -connect.
type remoteSessions struct {
	quota *access.Quota

	mu   sync.Mutex
	byID map[string]*remoteSession
}

// newRemoteQuota limits them.
func newRemoteQuota() *access.Quota {
	return &access.Quota{Total: maxRemote, Reserve: 8, PerUser: 16}
}

type remoteSession struct {
	*session
	caller    access.Identity // of the latest request; guarded by remoteSessions.mu
	active    int             // requests in progress
	idleSince time.Time       // end of the last request

	release func() // releases the quota
}

// Ask makes a call for a Convoy shell on another machine, in the name of who. shell identifies the shell. Errors are
// for its user. It is safe for concurrent use.
func (s *Service) Ask(ctx context.Context, who access.Identity, shell, fn string, args []json.RawMessage) (any, error) {
	remote, err := s.remote.acquire(s, who, shell)
	if err != nil {
		return nil, err
	}
	defer s.remote.release(remote)
	return remote.serve(ctx, fn, args)
}

// acquire returns the session with that id, and creates it if necessary. The caller must call release.
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
			return nil, fmt.Errorf("too many Convoy shells on other machines: %w; "+
				"a closed one frees its place after %v", err, remoteIdle)
		}
		if s.byID == nil {
			s.byID = map[string]*remoteSession{}
		}
		c = &remoteSession{release: release}
		c.session = service.newSession(who.User, newProcessName(), func() access.Identity {
			s.mu.Lock()
			defer s.mu.Unlock()
			return c.caller
		})
		s.byID[id] = c
	}
	c.caller = who
	c.active++
	return c, nil
}

func (s *remoteSessions) release(c *remoteSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.active--
	c.idleSince = time.Now()
}
