package weather

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"convoy/internal/client"
)

// places is how many inputs a page has under way.
const places = 4

// Page looks at one shell and types into it as the console's page does (docs/protocol.md), whatever the network does:
// what gets no answer is sent again under its number, and a stream that is lost is opened anew at the byte that has
// been reached. It never waits before it tries again. Whatever the protocol does not allow ends it with an error.
type Page struct {
	c      *client.Client
	shell  client.Shell
	window int64
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup
	places chan struct{}
	number int64 // of the next input

	mu      sync.Mutex
	changed chan struct{}
	got     []byte
	off     int64 // after the last byte of got
	streams int   // opened so far
	err     error
}

// Look follows a shell from an offset that is kept, with a window of so many bytes. Close it.
func Look(ctx context.Context, c *client.Client, s client.Shell, from, window int64) *Page {
	p := &Page{
		c:       c,
		shell:   s,
		window:  window,
		places:  make(chan struct{}, places),
		off:     from,
		changed: make(chan struct{}),
	}
	p.ctx, p.stop = context.WithCancel(ctx)
	p.work.Go(p.read)
	p.work.Go(p.acknowledge)
	return p
}

// Close ends the page and waits for what it began.
func (p *Page) Close() {
	p.stop()
	p.work.Wait()
}

// Type sends b as the next input, as soon as one of the places is free.
func (p *Page) Type(b []byte) {
	p.places <- struct{}{}
	n := p.number
	p.number++
	p.work.Go(func() {
		defer func() { <-p.places }()
		p.settle(n, b)
	})
}

// settle sends an input until it is known to be written.
func (p *Page) settle(n int64, b []byte) {
	for p.ctx.Err() == nil {
		off, _, _ := p.state()
		err := p.c.Input(p.ctx, p.shell, n, off, b)
		refused, answered := errors.AsType[*client.Problem](err)
		switch {
		case err == nil:
			return
		case !answered: // lost on the way there, or back
		// and that one is under way
		case refused.Status == http.StatusConflict && refused.Expected != nil && *refused.Expected < n:
		default:
			p.fail(fmt.Errorf("input %d: %w", n, err))
			return
		}
	}
}

// read keeps a stream open, and reads it.
func (p *Page) read() {
	for p.ctx.Err() == nil {
		off, _, _ := p.state()
		stream, err := p.c.Stream(p.ctx, url.Values{"want": {"none"}, "shell": {fmt.Sprintf("%s@%d", p.shell.Key(), off)}})
		if err != nil {
			continue
		}
		p.change(func() { p.streams++ })
		for err == nil {
			var e client.Event
			if e, err = stream.Next(); err == nil {
				err = p.take(e)
			}
		}
		stream.Close()
	}
}

// take takes one event. An error of its own means that the page fails.
func (p *Page) take(e client.Event) error {
	switch e.Name {
	case "output":
		o, err := client.ParseOutput(e.Data)
		if off, _, _ := p.state(); err == nil && o.Off != off {
			err = fmt.Errorf("output begins at %d, expected at %d", o.Off, off)
		}
		if err != nil {
			return p.fail(err)
		}
		p.change(func() { p.got, p.off = append(p.got, o.Bytes...), p.off+int64(len(o.Bytes)) })
	case "size", "presence", "hb":
		if !json.Valid(e.Data) {
			return p.fail(fmt.Errorf("event %s: %q", e.Name, e.Data))
		}
	default:
		return p.fail(fmt.Errorf("event %s: %s", e.Name, e.Data))
	}
	return nil
}

// acknowledge says how far the page has come, each time that a quarter of the window is at stake.
func (p *Page) acknowledge() {
	for done := int64(0); p.ctx.Err() == nil; {
		off, changed, _ := p.state()
		if off-done < p.window/4 {
			select {
			case <-changed:
			case <-p.ctx.Done():
			}
			continue
		}
		err := p.c.Ack(p.ctx, p.shell, off)
		if _, answered := errors.AsType[*client.Problem](err); answered {
			p.fail(fmt.Errorf("acknowledge %d: %w", off, err))
			return
		}
		if err == nil {
			done = off
		}
	}
}

// Reach waits until the page has everything before off, and returns what it got.
func (p *Page) Reach(off int64) ([]byte, error) {
	for {
		now, changed, err := p.state()
		if err == nil {
			err = p.ctx.Err()
		}
		if now >= off || err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			return bytes.Clone(p.got), err
		}
		select {
		case <-changed:
		case <-p.ctx.Done():
		}
	}
}

// Settled waits until everything typed is known to be written.
func (p *Page) Settled() {
	for range places {
		p.places <- struct{}{}
	}
	for range places {
		<-p.places
	}
}

// Streams is how many streams were opened so far.
func (p *Page) Streams() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streams
}

func (p *Page) state() (off int64, changed <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.off, p.changed, p.err
}

func (p *Page) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
	close(p.changed)
	p.changed = make(chan struct{})
}

// fail ends the page.
func (p *Page) fail(err error) error {
	p.change(func() {
		if p.err == nil && p.ctx.Err() == nil {
			p.err = err
		}
	})
	p.stop()
	return err
}
