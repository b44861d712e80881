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
	redialIdle  = 10 * time.Minute // while nothing is on its way: each new socket subscribes to everything anew
	againFirst  = 15 * time.Second
	againLast   = 10 * time.Minute
)

// stream keeps a socket with subscriptions to all deployments that count, until ctx ends. Railway ends sockets and
// subscriptions whenever it likes, and sends changes only: so after each new subscription the watcher looks once.
func (p *Provider) stream(ctx context.Context) {
	delay, idle := time.Duration(0), time.Duration(0)
	for p.waitWorth(ctx, delay, idle) {
		began := time.Now()
		if err := p.oneSocket(ctx); err != nil && ctx.Err() == nil {
			p.log.Debug("socket ended", "took", time.Since(began), "err", p.client.redact(err.Error()))
		}
		if time.Since(began) > redialLast {
			delay = 0
		}
		delay, idle = min(max(delay*3/2, redialFirst), redialLast), redialIdle
	}
}

// waitWorth waits for the delay, and then until there is something to subscribe to: something on its way, or, after the
// idle time, anything. It reports whether ctx lasted.
func (p *Provider) waitWorth(ctx context.Context, delay, idle time.Duration) bool {
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
		timer := time.NewTimer(max(at.Sub(now), time.Minute))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// watchable returns the deployments that are worth a subscription, and whether they are on their way.
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

// streamed reports whether a socket brings the events of a deployment. p.mu must be held.
func (p *Provider) streamed(id string) bool { return p.streams[id] }

// oneSocket runs one socket until it ends.
func (p *Provider) oneSocket(ctx context.Context) error {
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
	f := &follower{p: p, socket: s, subs: map[string]*subscription{}, woken: make(chan struct{}, 1)}
	f.run(ctx)
	s.close()
	reading.Wait()
	p.mu.Lock()
	clear(p.streams)
	p.mu.Unlock()
	return ended
}

// follower keeps the subscriptions of one socket those that are worth it.
type follower struct {
	p      *Provider
	socket *socket
	woken  chan struct{} // a subscription ended

	mu   sync.Mutex
	subs map[string]*subscription // by kind and id of the deployment
}

// subscription is one subscription, or one that is to be tried again.
type subscription struct {
	cancel func()
	ended  bool
	tries  int
	again  time.Time
}

// run subscribes and unsubscribes until ctx ends.
func (f *follower) run(ctx context.Context) {
	for {
		f.p.mu.Lock()
		changed := f.p.changed
		f.p.mu.Unlock()
		fresh, next := f.sync(ctx)
		if fresh {
			f.p.lookNow() // whatever changed before the subscription is in the answer
		}
		timer := time.NewTimer(next)
		select {
		case <-changed:
		case <-f.woken:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// sync makes the subscriptions those that are wanted. It reports whether there are new ones, and when to try again.
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
		due, wait := sub.ended, time.Until(sub.again)
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

// drop ends the subscriptions that are not wanted any more.
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
	var d draft
	watchDeployment(ctx, &d, id) //nolint:errcheck // it only writes the request
	return f.subscribe(ctx, "deployment "+id, &d, func(payload json.RawMessage) error {
		var data watchDeploymentResponse
		if err := f.p.client.payloadOf(payload, &data); err != nil {
			return err
		}
		f.p.onDeployment(id, func(d *deployment, now time.Time) bool {
			news := d.apply(data.Deployment, now)
			if news && d.lacksEvents() {
				f.p.lookNow()
			}
			return news
		})
		return nil
	})
}

func (f *follower) events(ctx context.Context, id string) error {
	var d draft
	watchEvents(ctx, &d, id) //nolint:errcheck // it only writes the request
	f.p.mu.Lock()
	known := f.p.streams[id]
	f.p.mu.Unlock()
	if !known {
		defer f.p.detail(ctx, id) // the events before the subscription
	}
	err := f.subscribe(ctx, "events "+id, &d, func(payload json.RawMessage) error {
		var data watchEventsResponse
		if err := f.p.client.payloadOf(payload, &data); err != nil {
			return err
		}
		f.p.onDeployment(id, func(d *deployment, now time.Time) bool { return d.event(data.DeploymentEvents, now) })
		return nil
	})
	if err == nil {
		f.streamed(id, true)
	}
	return err
}

func (f *follower) streamed(id string, yes bool) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if yes {
		f.p.streams[id] = true
		return
	}
	delete(f.p.streams, id)
}

// subscribe begins one subscription and has it tried again, ever more rarely, when it ends.
func (f *follower) subscribe(ctx context.Context, key string, d *draft, take func(json.RawMessage) error) error {
	f.mu.Lock()
	sub := f.subs[key]
	sub.ended = false
	f.mu.Unlock()
	cancel, err := f.socket.subscribe(ctx, d.request, func(payload json.RawMessage, end error) {
		if end == nil {
			if take(payload) != nil {
				f.p.lookNow() // news that cannot be read are news all the same
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

// fail has a subscription tried again later.
func (f *follower) fail(sub *subscription) {
	f.mu.Lock()
	sub.ended, sub.again = true, time.Now().Add(min(againFirst<<min(sub.tries, 10), againLast))
	sub.tries++
	f.mu.Unlock()
	select {
	case f.woken <- struct{}{}:
	default: // it is woken already
	}
}
