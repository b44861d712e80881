package fleet

import (
	"context"
	"errors"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// A node that runs and does not join shows why, until it has joined.
func TestJoining_ShowsTheReason(t *testing.T) {
	t.Parallel()
	reasons := make(chan error)
	p := newScript()
	f := New(Config{Self: self, Provider: p, Max: 2, Join: func(ctx context.Context, name string) error {
		select {
		case err := <-reasons:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	f.patience = time.Millisecond
	f.Start(t.Context())
	t.Cleanup(func() { closeFleet(t, f) })
	n, err := f.Spawn()
	testkit.Must(t, err)
	c := <-p.spawns
	c.answer <- nil
	for _, reason := range []string{"a different cookie", "no address"} {
		reasons <- errors.New(reason)
		shows(t, f, n.Name, Joining, reason)
	}
	reasons <- nil
	shows(t, f, n.Name, Joining, "")
	reasons <- errors.New("a different cookie")
	shows(t, f, n.Name, Joining, "a different cookie")
	f.SetMembers([]Member{{Name: n.Name, Instance: "i", State: MemberAlive, Started: time.Now()}})
	shows(t, f, n.Name, Alive, "")
}

// A node that the provider runs when the control plane starts is watched like one that it has spawned, and no longer
// once it has ended.
func TestJoining_AdoptedService(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	p := newScript()
	f := New(Config{Self: self, Provider: p, Max: 2, Join: func(_ context.Context, name string) error {
		asked <- name
		return errors.New("does not answer")
	}})
	f.patience = time.Millisecond
	f.Start(t.Context())
	t.Cleanup(func() { closeFleet(t, f) })
	name := p.NodeName("convoy-aaaa")
	p.serve(Service{Name: name, ID: "pid 7", Running: true})
	shows(t, f, name, Joining, "does not answer")
	if got := <-asked; got != name {
		t.Errorf("asked for %q", got)
	}
	p.serve(Service{Name: name, ID: "pid 7", Message: "process ended"})
	shows(t, f, name, Failed, "process ended")
	testkit.Eventually(t, "it is no longer watched", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return !f.rows[name].watched
	})
}

// shows waits until a node has a status with a message.
func shows(t *testing.T, f *Fleet, name string, status Status, message string) {
	t.Helper()
	testkit.Eventually(t, string(status)+": "+message, func() bool {
		n, err := f.Find(name)
		return err == nil && n.Status == status && n.Message == message
	})
}
