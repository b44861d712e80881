// Package faultproxy injects the faults of bad networks between a client and a server: it delays, stalls, cuts, repeats
// and reorders what it forwards.
package faultproxy

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// inFlight is how many pieces of a connection can be delayed or stalled, each way, before its sender has to wait.
const inFlight = 1 << 10

// Proxy forwards TCP connections to a server. Its methods may be called concurrently.
type Proxy struct {
	target   string
	listener net.Listener
	http     bool // forwards requests, not bytes
	group    sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]bool
	stopped bool
	closed  bool
	flowing chan struct{} // closed while bytes flow
	delay   time.Duration
	faults  Faults
	random  *rand.Rand
	stats   Stats
}

// New listens on a free loopback port and forwards bytes to target, "host:port". Close it.
func New(target string) (*Proxy, error) { return listen(&Proxy{target: target}) }

// NewHTTP is like New for a server of HTTP/1.1, and injects faults into requests. They depend on seed and on the order
// in which requests arrive.
func NewHTTP(target string, seed uint64, f Faults) (*Proxy, error) {
	return listen(&Proxy{target: target, http: true, faults: f, random: rand.New(rand.NewPCG(seed, 1))})
}

// Start is New for a test: the proxy closes when the test ends.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	p, err := New(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func listen(p *Proxy) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.listener, p.conns, p.flowing = listener, map[net.Conn]bool{}, make(chan struct{})
	close(p.flowing)
	p.group.Go(p.accept)
	return p, nil
}

// Addr is the address that clients connect to, "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends all connections and waits until the server has answered requests that are repeated.
func (p *Proxy) Close() {
	p.listener.Close() //nolint:errcheck // it is open
	p.Resume()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut()
	p.group.Wait()
}

// Cut ends all connections. Clients can connect again.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close() //nolint:errcheck // it may be closed already
	}
}

// Stop ends all connections, and each new one as soon as it is accepted.
func (p *Proxy) Stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.Cut()
}

// Stall forwards nothing, and keeps all connections open, new ones too.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default: // stalled already
	}
}

// Resume undoes Stop and Stall.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = false
	select {
	case <-p.flowing:
	default:
		close(p.flowing)
	}
}

// Delay delays every byte that arrives from now on, each way.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.group.Go(func() { p.serve(client) })
	}
}

// serve forwards one connection until either end closes.
func (p *Proxy) serve(client net.Conn) {
	if !p.add(client) {
		return
	}
	defer p.remove(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil || !p.add(server) {
		return
	}
	if p.http {
		p.serveHTTP(client, server)
		return
	}
	defer p.remove(server)
	var both sync.WaitGroup
	both.Go(func() { p.pump(server, client) })
	both.Go(func() { p.pump(client, server) })
	both.Wait()
}

// piece is what was read at once, and when it is due.
type piece struct {
	bytes []byte
	due   time.Time
}

// pump forwards from one end to the other, and closes both when it is done.
func (p *Proxy) pump(to, from net.Conn) {
	line := make(chan piece, inFlight)
	var reader sync.WaitGroup
	reader.Go(func() { p.read(from, line) })
	for one := range line {
		time.Sleep(time.Until(one.due))
		<-p.gate()
		if _, err := to.Write(one.bytes); err != nil {
			break
		}
	}
	from.Close() //nolint:errcheck // the other direction may have closed it
	to.Close()   //nolint:errcheck // as above
	for range line {
		// let the reader end
	}
	reader.Wait()
}

// read reads a connection to its end.
func (p *Proxy) read(from net.Conn, line chan<- piece) {
	defer close(line)
	for {
		buf := make([]byte, 32<<10)
		n, err := from.Read(buf)
		if n > 0 {
			line <- piece{buf[:n], time.Now().Add(p.latency())}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) latency() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

func (p *Proxy) gate() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flowing
}

// add registers a connection, or closes it if the proxy is stopped or closed.
func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || p.closed {
		c.Close() //nolint:errcheck // it is open
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) remove(c net.Conn) {
	c.Close() //nolint:errcheck // it may be closed already
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
