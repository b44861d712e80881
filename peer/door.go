package peer

import (
	"net"
	"net/netip"
	"sync"
)

const (
	// guestsPerAddr bounds the connections that one address may have at a port before they have proved to be a
	// member's, and guestsInAll those of all addresses together.
	guestsPerAddr = 64
	guestsInAll   = 128
)

// door bounds the connections that have not proved to be a member's. A newcomer is always let in: at a full door it
// takes the place of the oldest guest of its own address, or, if that has not used up its share, of the address that
// has most. So nobody is kept out by those who hold connections and say nothing.
type door struct {
	port    string // as the log calls it
	refused *refusals

	mu     sync.Mutex
	guests []*guest // oldest first
	came   int      // how many there have been
	closed bool
}

// guest is a connection at a door, until it is closed or let pass.
type guest struct {
	net.Conn
	door *door
	addr netip.Addr
}

// admit takes a connection in; nil if the door is closed. It may close another.
func (d *door) admit(conn net.Conn) *guest {
	g := &guest{Conn: conn, door: d, addr: addrOf(conn)}
	d.mu.Lock()
	d.came++
	out := d.makeRoom(g.addr)
	closed := d.closed
	if !closed {
		d.guests = append(d.guests, g)
	}
	d.mu.Unlock()
	if out != nil {
		out.Conn.Close()
		d.refused.crowd(d.port, out.RemoteAddr().String())
	}
	if closed {
		conn.Close()
		return nil
	}
	return g
}

// makeRoom takes the guest off who has to go for one from addr, if any. The door is locked.
func (d *door) makeRoom(addr netip.Addr) *guest {
	count := map[netip.Addr]int{}
	most := addr
	for _, g := range d.guests {
		if count[g.addr]++; count[g.addr] > count[most] {
			most = g.addr
		}
	}
	switch {
	case count[addr] >= guestsPerAddr:
		most = addr
	case len(d.guests) < guestsInAll:
		return nil
	}
	for _, g := range d.guests {
		if g.addr == most {
			d.remove(g)
			return g
		}
	}
	return nil
}

// remove takes a guest off. The door is locked.
func (d *door) remove(g *guest) {
	for i, other := range d.guests {
		if other == g {
			d.guests = append(d.guests[:i], d.guests[i+1:]...)
			return
		}
	}
}

// close ends all guests' connections, and admits no more.
func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, g := range d.guests {
		g.Conn.Close()
	}
	d.guests = nil
}

// pass says that the connection is a member's: it is not counted any longer.
func (g *guest) pass() {
	g.door.mu.Lock()
	defer g.door.mu.Unlock()
	g.door.remove(g)
}

// Close ends the connection.
func (g *guest) Close() error {
	g.pass()
	return g.Conn.Close()
}

func addrOf(conn net.Conn) netip.Addr {
	at, _ := netip.ParseAddrPort(conn.RemoteAddr().String()) //nolint:errcheck // without an address all count as one
	return at.Addr().Unmap()
}

// guarded is a listener whose connections come through a door.
type guarded struct {
	net.Listener
	door *door
}

// Accept waits for the next connection.
func (l *guarded) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := l.door.admit(conn); g != nil {
			return g, nil
		}
	}
}
