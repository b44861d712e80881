package browser

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a browser and a server and carries bytes. It can be
// unplugged in three ways: cut (connections end), stopped (and no new ones), and
// stalled (nothing ends, and nothing arrives).
type Proxy struct {
	target   string
	listener net.Listener
	group    sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]bool
	stopped bool
	flowing chan struct{} // closed while bytes flow
	delay   time.Duration
}

// NewProxy listens on a free loopback port and carries to target, "host:port".
// It ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("proxy: %v", err)
	}
	p := &Proxy{target: target, listener: listener, conns: map[net.Conn]bool{}, flowing: make(chan struct{})}
	close(p.flowing)
	p.group.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		p.Resume()
		p.Stop()
		p.group.Wait()
	})
	return p
}

// Addr returns the address that the browser is to use, "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut ends all connections. New ones are carried.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// Stop ends all connections, and every new one at once.
func (p *Proxy) Stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.Cut()
}

// Stall keeps all connections open, and new ones too, and carries nothing.
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

// Delay makes every byte arrive later, each way.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *Proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.group.Go(func() { p.carry(in) })
	}
}

// carry carries one connection both ways until either end closes.
func (p *Proxy) carry(in net.Conn) {
	if !p.add(in) {
		return
	}
	defer p.remove(in)
	out, err := net.Dial("tcp", p.target)
	if err != nil || !p.add(out) {
		return
	}
	defer p.remove(out)
	var both sync.WaitGroup
	both.Go(func() { p.pump(out, in) })
	both.Go(func() { p.pump(in, out) })
	both.Wait()
}

// chunk is what was read together, and when it is due.
type chunk struct {
	bytes []byte
	due   time.Time
}

// pump carries from one end to the other, and closes both when it is done.
func (p *Proxy) pump(to, from net.Conn) {
	line := make(chan chunk, 256) // what is on its way
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(line)
		for {
			buf := make([]byte, 32<<10)
			n, err := from.Read(buf)
			if n > 0 {
				line <- chunk{buf[:n], time.Now().Add(p.lateness())}
			}
			if err != nil {
				return
			}
		}
	})
	for c := range line {
		time.Sleep(time.Until(c.due))
		<-p.gate()
		if _, err := to.Write(c.bytes); err != nil {
			break
		}
	}
	from.Close()
	to.Close()
	for range line {
		// let the reader end
	}
	reading.Wait()
}

func (p *Proxy) lateness() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

func (p *Proxy) gate() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flowing
}

// add registers a connection, or closes it if the proxy is stopped.
func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) remove(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
