package live

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"convoy/handlers/session"
	"convoy/handlers/web"
)

// carrierIdle is how long a carrier lasts without a stream.
const carrierIdle = 10 * time.Second

// CarrierHeader names the carrier that a stream's events go to.
const CarrierHeader = "Convoy-Carrier"

var (
	errNoCarrier = web.NewError(http.StatusNotFound, "no such carrier", "it has ended; open a new one")
	errTagTaken  = web.NewError(http.StatusConflict,
		"another stream on this carrier has this tag", "use a new one for each stream")
	streamTag = regexp.MustCompile(`^[A-Za-z0-9]{1,16}$`)
)

// carrier is one response that carries the streams of several pages, because a browser has only six connections to a
// host over HTTP/1.1. It gives no rights: each stream has those of the request that put it there, and ends with them.
type carrier struct {
	id string // a secret of the browser: it lets a request add streams, and end them

	mu      sync.Mutex
	ctx     context.Context // of the response; nil before it begins, and after its end
	send    publish
	carried map[string]*tab // by tag
	idle    *time.Timer     // ends the carrier; it runs while there is no stream
	group   sync.WaitGroup  // everything in carried
}

// OpenCarrier handles GET /carrier.
func (h *Hub) OpenCarrier(w http.ResponseWriter, r *http.Request) error {
	release, err := session.Acquire(r, h.Carriers)
	if err != nil {
		return err
	}
	defer release()
	return h.ServeCarrier(w, r)
}

// ServeCarrier responds with a carrier. The caller has counted it.
func (h *Hub) ServeCarrier(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := h.UntilClose(r.Context())
	defer cancel()
	c := &carrier{id: rand.Text(), carried: map[string]*tab{}}
	h.carriers.Store(c.id, c)
	defer h.carriers.Delete(c.id)
	h.serveEvents(ctx, w, r, c.run)
	return nil
}

// run keeps the carrier open, and waits for the streams on it.
func (c *carrier) run(ctx context.Context, send publish) {
	ctx, cancel := context.WithCancel(ctx)
	c.start(ctx, send, cancel)
	defer c.group.Wait()
	defer cancel()
	defer c.finish()
	send.json("hello", map[string]any{"carrier": c.id, "heartbeat": int(heartbeat.Seconds())})
	keepOpen(ctx, send, nil)
}

func (c *carrier) start(ctx context.Context, send publish, drop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx, c.send, c.idle = ctx, send, time.AfterFunc(carrierIdle, drop)
}

// finish refuses further streams.
func (c *carrier) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx = nil
	c.idle.Stop()
}

// carry puts a stream on the carrier that its request names. The stream outlives the request.
func (h *Hub) carry(w http.ResponseWriter, r *http.Request, s Stream) error {
	c, tag, err := h.carrierOf(r)
	if err != nil {
		return err
	}
	ctx, drop := context.WithCancel(context.WithoutCancel(r.Context()))
	t, release, err := h.open(r, s, drop)
	if err != nil {
		drop()
		return err
	}
	end := func() { drop(); release() }
	if err := c.add(ctx, tag, t, end); err != nil {
		end()
		return err
	}
	return web.NoContent(w, nil)
}

// add runs a stream until it or the carrier ends, and then calls end.
func (c *carrier) add(ctx context.Context, tag string, t *tab, end func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		return errNoCarrier
	}
	if c.carried[tag] != nil {
		return errTagTaken
	}
	c.carried[tag] = t
	c.idle.Stop()
	send, stop := c.send, context.AfterFunc(c.ctx, t.drop)
	c.group.Go(func() {
		defer c.remove(tag)
		defer end()
		defer stop()
		t.run(ctx, func(name string, data []byte) {
			if ctx.Err() == nil { // nothing is sent once the right to it is lost
				send("carried", fmt.Appendf(nil, "%s %s %s", tag, name, data))
			}
		})
		send("carried", []byte(tag+" end "))
	})
	return nil
}

func (c *carrier) remove(tag string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.carried, tag)
	if len(c.carried) == 0 && c.ctx != nil {
		c.idle.Reset(carrierIdle)
	}
}

// EndCarried handles DELETE /stream.
func (h *Hub) EndCarried(w http.ResponseWriter, r *http.Request) error {
	c, tag, err := h.carrierOf(r)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.carried[tag]; t != nil {
		t.drop()
	}
	return web.NoContent(w, nil)
}

// carrierOf is the carrier that a request names, and its stream's tag there.
func (h *Hub) carrierOf(r *http.Request) (c *carrier, tag string, err error) {
	tag = r.URL.Query().Get("as")
	if !streamTag.MatchString(tag) {
		return nil, "", web.BadRequest("as must be 1 to 16 letters or digits, not %q", tag)
	}
	found, ok := h.carriers.Load(r.Header.Get(CarrierHeader))
	if !ok {
		return nil, "", errNoCarrier
	}
	return found.(*carrier), tag, nil
}
