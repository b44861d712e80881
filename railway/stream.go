package railway

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

const (
	redialFirst = time.Second
	redialLast  = 30 * time.Second
	redialIdle  = 10 * time.Minute // while nothing is in progress: each new socket repeats all subscriptions
	retryFirst  = 15 * time.Second
	retryLast   = 10 * time.Minute
)

// stream keeps a socket with subscriptions to all relevant deployments, until ctx ends. Railway ends sockets and
// subscriptions at any time, and sends only changes: so after each new subscription the watcher refreshes once.
func (p *Provider) stream(ctx context.Context) {
	delay, idle := time.Duration(0), time.Duration(0)
	for p.waitForWork(ctx, delay, idle) {
		began := time.Now()
		if err := p.runSocket(ctx); err != nil && ctx.Err() == nil {
			p.log.Debug("socket ended", "took", time.Since(began), "err", p.client.redact(err.Error()))
		}
		if time.Since(began) > redialLast {
			delay = 0
		}
		delay, idle = min(max(delay*3/2, redialFirst), redialLast), redialIdle
	}
}

// waitForWork waits for the delay, and then until there is something to subscribe to: something in progress, or, after
// the idle time, anything. It returns false if ctx ended.
func (p *Provider) waitForWork(ctx context.Context, delay, idle time.Duration) bool {
	at := time.Now().Add(idle)
	if !sleep(ctx, delay) {
		return false
	}
	for {
		p.mu.Lock()
		changed, refusal := p.changed, p.refusal
		p.mu.Unlock()
		now := time.Now()
		if refusal == "" && len(p.watchable()) > 0 && (p.busy() || !now.Before(at)) {
			return true
		}
		select {
		case <-changed:
		case <-time.After(max(at.Sub(now), time.Minute)):
		case <-ctx.Done():
			return false
		}
	}
}

// watchable returns the deployments worth a subscription, and whether they are in progress.
func (p *Provider) watchable() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make(map[string]bool)
	for _, s := range p.services {
		if s.latest != nil && s.latest.id != "" && s.latest.phase() != removed {
			ids[s.latest.id] = !s.latest.phase().settled()
		}
	}
	return ids
}

// runSocket runs one socket until it ends.
func (p *Provider) runSocket(ctx context.Context) error {
	s, err := p.client.dial(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var reading sync.WaitGroup
	var ended error
	reading.Go(func() {
		ended = s.run(ctx)
		cancel()
	})
	f := &follower{p: p, socket: s, subs: map[string]*subscription{}, wake: make(chan struct{}, 1)}
	f.run(ctx)
	s.close()
	reading.Wait()
	p.mu.Lock()
	clear(p.streams)
	p.mu.Unlock()
	return ended
}

// follower maintains the subscriptions of one socket.
type follower struct {
	p      *Provider
	socket *socket
	wake   chan struct{} // a subscription ended

	mu   sync.Mutex
	subs map[string]*subscription // by kind and deployment id
}

// subscription is active, or will be retried.
type subscription struct {
	cancel  func()
	ended   bool
	tries   int
	retryAt time.Time
}

// run updates the subscriptions until ctx ends.
func (f *follower) run(ctx context.Context) {
	for {
		f.p.mu.Lock()
		changed := f.p.changed
		f.p.mu.Unlock()
		fresh, next := f.sync(ctx)
		if fresh {
			f.p.refreshNow() // the response includes all changes before the subscription
		}
		select {
		case <-changed:
		case <-f.wake:
		case <-time.After(next):
		case <-ctx.Done():
			return
		}
	}
}

// sync updates the subscriptions. It reports whether there are new ones, and when to retry.
func (f *follower) sync(ctx context.Context) (fresh bool, next time.Duration) {
	wanted := map[string]func() error{}
	for id, onItsWay := range f.p.watchable() {
		wanted["deployment "+id] = func() error { return f.deployment(ctx, id) }
		if onItsWay {
			wanted["events "+id] = func() error { return f.events(ctx, id) }
		}
	}
	f.drop(wanted)
	next = time.Hour
	for key, subscribe := range wanted {
		f.mu.Lock()
		sub := f.subs[key]
		if sub == nil {
			sub = &subscription{ended: true}
			f.subs[key] = sub
		}
		due, wait := sub.ended, time.Until(sub.retryAt)
		f.mu.Unlock()
		switch {
		case !due:
		case wait > 0:
			next = min(next, wait)
		case subscribe() == nil:
			fresh = true
		}
	}
	return fresh, next
}

// drop ends unwanted subscriptions.
func (f *follower) drop(wanted map[string]func() error) {
	f.mu.Lock()
	var cancels []func()
	for key, sub := range f.subs {
		if wanted[key] == nil {
			if sub.cancel != nil && !sub.ended {
				cancels = append(cancels, sub.cancel)
			}
			delete(f.subs, key)
		}
	}
	f.mu.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
}

func (f *follower) deployment(ctx context.Context, id string) error {
	var d requestCapture
	watchDeployment(ctx, &d, id) //nolint:errcheck // it only captures the request
	return f.subscribe(ctx, "deployment "+id, d, func(payload json.RawMessage) error {
		var data watchDeploymentResponse
		if err := f.p.client.payloadOf(payload, &data); err != nil {
			return err
		}
		f.p.onDeployment(id, func(d *deployment, now time.Time) bool {
			news := d.apply(data.Deployment, now)
			if news && d.lacksEvents() {
				f.p.refreshNow()
			}
			return news
		})
		return nil
	})
}

func (f *follower) events(ctx context.Context, id string) error {
	var d requestCapture
	watchEvents(ctx, &d, id) //nolint:errcheck // it only captures the request
	f.p.mu.Lock()
	known := f.p.streams[id]
	f.p.mu.Unlock()
	if !known {
		defer f.p.fetchDetails(ctx, id) // the events before the subscription
	}
	err := f.subscribe(ctx, "events "+id, d, func(payload json.RawMessage) error {
		var data watchEventsResponse
		if err := f.p.client.payloadOf(payload, &data); err != nil {
			return err
		}
		f.p.onDeployment(id, func(d *deployment, now time.Time) bool { return d.addEvent(data.DeploymentEvents, now) })
		return nil
	})
	if err == nil {
		f.p.mu.Lock()
		f.p.streams[id] = true
		f.p.mu.Unlock()
	}
	return err
}

// subscribe starts a subscription, and retries it with growing delays when it ends.
func (f *follower) subscribe(ctx context.Context, key string, r requestCapture, fn func(json.RawMessage) error) error {
	f.mu.Lock()
	sub := f.subs[key]
	sub.ended = false
	f.mu.Unlock()
	cancel, err := f.socket.subscribe(ctx, r.request, func(payload json.RawMessage, end error) {
		if end == nil {
			if fn(payload) != nil {
				f.p.refreshNow() // an unreadable payload still means a change
			}
			return
		}
		f.p.log.Debug("subscription ended", "subscription", key, "err", f.p.client.redact(end.Error()))
		f.fail(sub)
	})
	f.mu.Lock()
	sub.cancel = cancel
	f.mu.Unlock()
	if err != nil {
		f.fail(sub)
	}
	return err
}

// fail schedules a retry.
func (f *follower) fail(sub *subscription) {
	f.mu.Lock()
	sub.ended, sub.retryAt = true, time.Now().Add(min(retryFirst<<min(sub.tries, 10), retryLast))
	sub.tries++
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default: // already woken
	}
}
