package peer

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/testkit"
)

// stranger has connections to one port and no cookie.
type stranger struct {
	*testing.T
	from netip.Addr
	to   netip.AddrPort
}

// dial opens a connection that ends with the test, and says something.
func (s stranger) dial(say []byte) net.Conn {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: s.from.AsSlice()}, Timeout: testkit.Patience}
	conn, err := d.DialContext(s.Context(), "tcp", s.to.String())
	if err != nil {
		s.Error(err)
		return nil
	}
	s.Cleanup(func() { conn.Close() })
	conn.Write(say) //nolint:errcheck // it may be refused already
	return conn
}

// announcing is the beginning of an encrypted list of members of that size.
func announcing(size int) []byte {
	return binary.BigEndian.AppendUint32([]byte(string(streamHead)+"\x0a"), uint32(size))
}

// TestStrangers_AnnounceTooMuch: what a stranger announces beyond a list of members is not read, and takes no memory.
func TestStrangers_AnnounceTooMuch(t *testing.T) {
	t.Parallel()
	n := startNode(t, "a.internal", nil)
	const size = 19 << 20
	body := make([]byte, size-1)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			conn := stranger{t, netip.IPv6Loopback(), n.addr()}.dial(announcing(size))
			if conn == nil {
				return
			}
			if written, err := conn.Write(body); err == nil {
				t.Errorf("%d bytes of an announced %d were taken", written, size)
			}
		})
	}
	group.Wait()
	n.without(t, "gossip")
}

// guests counts those at a door, and how many have come in all.
func (n *testNode) guests(port string) (now, ever int) {
	d := n.server.door
	if port == "gossip" {
		d = n.gossipDoor
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.guests), d.came
}

// without waits until a door has no guests.
func (n *testNode) without(t *testing.T, port string) {
	t.Helper()
	testkit.Eventually(t, "no guest is left", func() bool { now, _ := n.guests(port); return now == 0 })
}

// crowded waits until so many have come to a door, and holds it to its bound.
func (n *testNode) crowded(t *testing.T, port string, want int) {
	t.Helper()
	testkit.Eventually(t, "all have come", func() bool { _, ever := n.guests(port); return ever >= want })
	if now, _ := n.guests(port); now > guestsInAll {
		t.Errorf("%d connections of strangers, want at most %d", now, guestsInAll)
	}
}

// TestStrangers_HoldGossip: strangers hold all the connections that they can, each with as much as may be announced,
// while a member joins and is called. It looks at the heap, so nothing runs beside it.
func TestStrangers_HoldGossip(t *testing.T) {
	n := startNode(t, "a.internal", nil, withBind("127.0.0.1"))
	before := heapObjects()
	said := append(announcing(stateBytes), make([]byte, stateBytes-1)...)
	for i := range 4 {
		for range 2 * guestsPerAddr {
			stranger{t, netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)}), n.addr()}.dial(said)
		}
	}
	n.crowded(t, "gossip", 8*guestsPerAddr)
	if grown := heapObjects() - before; grown > guestsInAll*3*stateBytes {
		t.Errorf("strangers hold %d bytes", grown)
	}
	m := startNode(t, "b.internal", nil, withBind("127.0.0.1"))
	mustConnect(t, m, n)
	n.sees(t, fleet.MemberAlive, m)
	if _, err := m.Call(t.Context(), n.self.Name, "node.ping"); err != nil {
		t.Error(err)
	}
}

func heapObjects() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestStrangers_HoldCalls is the same for the port of calls, where strangers stop before the handshake.
func TestStrangers_HoldCalls(t *testing.T) {
	t.Parallel()
	n := startNode(t, "a.internal", sayName("a"), withBind("127.0.0.1"))
	m := startNode(t, "b.internal", nil, withBind("127.0.0.1"))
	to := netip.AddrPortFrom(n.cfg.Bind, n.CallPort())
	var held []net.Conn
	for i := range 4 {
		for range 2 * guestsPerAddr {
			held = append(held, stranger{t, netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)}), to}.dial([]byte{22, 3, 1}))
		}
	}
	n.crowded(t, "calls", 8*guestsPerAddr)
	mustConnect(t, m, n)
	if said, err := get(t, m, n.self.Name, "/x"); err != nil || !strings.Contains(said, m.self.Name) {
		t.Errorf("a member is answered %q, %v", said, err)
	}
	for _, conn := range held { // handshakeTimeout ends those that are left
		conn.SetReadDeadline(time.Now().Add(testkit.Patience)) //nolint:errcheck // it is open here
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a connection without a handshake is kept")
		}
	}
	n.without(t, "calls") // a member's connection is none
	if said, err := get(t, m, n.self.Name, "/x"); err != nil || said == "" {
		t.Errorf("afterwards a member is answered %q, %v", said, err)
	}
}

// TestCalls_ManyAtFirst: a member that calls another many times at once, before there is a connection, does not crowd
// itself out at the other's door.
func TestCalls_ManyAtFirst(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	a.client.transport.CloseIdleConnections()
	var group sync.WaitGroup
	for range 4 * guestsPerAddr {
		group.Go(func() {
			if _, err := a.Call(t.Context(), b.self.Name, "node.ping"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// TestDoor walks who has to go: of the newcomer's address, if that has its share, else of the one that has most.
func TestDoor(t *testing.T) {
	t.Parallel()
	d := &door{port: "gossip", refused: &refusals{log: newNode(t, "a.internal").Cluster.log}}
	come := func(addr string) *guest { return d.admit(at(addr)) }
	quiet := come("10.0.0.9:1")
	first := come("10.0.0.1:1")
	for range guestsPerAddr {
		come("10.0.0.1:2")
	}
	if !first.Conn.(*fakeConn).closed || d.count("10.0.0.1") != guestsPerAddr {
		t.Errorf("an address has %d, and its first is closed: %v", d.count("10.0.0.1"), first.Conn.(*fakeConn).closed)
	}
	for i := range 4 * guestsInAll {
		come(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}).String() + ":1")
	}
	if len(d.guests) != guestsInAll {
		t.Errorf("%d guests, want %d", len(d.guests), guestsInAll)
	}
	passed := come("10.0.0.7:1")
	passed.pass()
	d.close()
	if passed.Conn.(*fakeConn).closed || !quiet.Conn.(*fakeConn).closed {
		t.Error("the door closes other connections than its guests'")
	}
	if come("10.0.0.8:1") != nil {
		t.Error("a closed door lets in")
	}
}

func (d *door) count(addr string) (n int) {
	for _, g := range d.guests {
		if g.addr.String() == addr {
			n++
		}
	}
	return n
}

// fakeConn is a connection from somewhere.
type fakeConn struct {
	net.Conn
	from   net.Addr
	closed bool
}

func at(addr string) *fakeConn {
	return &fakeConn{from: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}
}

func (c *fakeConn) RemoteAddr() net.Addr { return c.from }
func (c *fakeConn) Close() error         { c.closed = true; return nil }

func TestAnnounced(t *testing.T) {
	t.Parallel()
	label := string(streamHead)
	for head, want := range map[string]struct {
		size  int
		known bool
	}{
		"":                             {0, false},
		label[:3]:                      {0, false},
		label:                          {0, false},
		label + "\x0a\x00\x00":         {0, false},
		label + "\x0a\x01\x00\x00\x02": {1<<24 + 2, true},
		"\x0a\x00\x00\x01\x00":         {256, true},
		label + "\x06":                 {0, true},
		"\xf4\x03abc":                  {0, true},
		"GET /":                        {0, true},
	} {
		if size, known := announced([]byte(head)); size != want.size || known != want.known {
			t.Errorf("announced(%q) = %d, %v; want %d, %v", head, size, known, want.size, want.known)
		}
	}
}
