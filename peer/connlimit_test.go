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

// stranger opens connections to a port without the cookie.
type stranger struct {
	*testing.T
	from netip.Addr
	to   netip.AddrPort
}

// dial opens a connection, which ends with the test, and sends data.
func (s stranger) dial(say []byte) net.Conn {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: s.from.AsSlice()}, Timeout: testkit.Patience}
	conn, err := d.DialContext(s.Context(), "tcp", s.to.String())
	if err != nil {
		s.Error(err)
		return nil
	}
	s.Cleanup(func() { conn.Close() })
	conn.Write(say) //nolint:errcheck // it may already be refused
	return conn
}

// announcing returns the start of an encrypted member list of that size.
func announcing(size int) []byte {
	return binary.BigEndian.AppendUint32([]byte(string(labelHeader)+"\x0a"), uint32(size))
}

// TestStrangers_AnnounceTooMuch: an announcement larger than a member list is not read, and takes no memory.
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
	n.waitNonePending(t, "gossip")
}

// pending counts the pending connections of a port, and all that were admitted.
func (n *testNode) pending(port string) (now, ever int) {
	d := n.server.limiter
	if port == "gossip" {
		d = n.gossipLimiter
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.pending), d.admitted
}

// waitNonePending waits until a port has no pending connections.
func (n *testNode) waitNonePending(t *testing.T, port string) {
	t.Helper()
	testkit.Eventually(t, "no guest is left", func() bool { now, _ := n.pending(port); return now == 0 })
}

// waitAdmitted waits until a port has admitted that many, and checks its limit.
func (n *testNode) waitAdmitted(t *testing.T, port string, want int) {
	t.Helper()
	testkit.Eventually(t, "all have come", func() bool { _, ever := n.pending(port); return ever >= want })
	if now, _ := n.pending(port); now > maxPending {
		t.Errorf("%d connections of strangers, want at most %d", now, maxPending)
	}
}

// TestStrangers_HoldGossip: strangers hold all the connections that they can, each with the largest announcement, while
// a member joins and is called. It measures the heap, so it does not run in parallel.
func TestStrangers_HoldGossip(t *testing.T) {
	n := startNode(t, "a.internal", nil, withBind("127.0.0.1"))
	before := heapObjects()
	said := append(announcing(stateBytes), make([]byte, stateBytes-1)...)
	for i := range 4 {
		for range 2 * pendingPerAddr {
			stranger{t, netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)}), n.addr()}.dial(said)
		}
	}
	n.waitAdmitted(t, "gossip", 8*pendingPerAddr)
	if grown := heapObjects() - before; grown > maxPending*3*stateBytes {
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

// TestStrangers_HoldCalls does the same at the port for calls, where strangers stop before the handshake.
func TestStrangers_HoldCalls(t *testing.T) {
	t.Parallel()
	n := startNode(t, "a.internal", sayName("a"), withBind("127.0.0.1"))
	m := startNode(t, "b.internal", nil, withBind("127.0.0.1"))
	to := netip.AddrPortFrom(n.cfg.Bind, n.CallPort())
	var held []net.Conn
	for i := range 4 {
		for range 2 * pendingPerAddr {
			held = append(held, stranger{t, netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)}), to}.dial([]byte{22, 3, 1}))
		}
	}
	n.waitAdmitted(t, "calls", 8*pendingPerAddr)
	mustConnect(t, m, n)
	if said, err := get(t, m, n.self.Name, "/x"); err != nil || !strings.Contains(said, m.self.Name) {
		t.Errorf("a member is answered %q, %v", said, err)
	}
	for _, conn := range held { // handshakeTimeout ends the remaining ones
		conn.SetReadDeadline(time.Now().Add(testkit.Patience)) //nolint:errcheck // it is open here
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a connection without a handshake is kept")
		}
	}
	n.waitNonePending(t, "calls") // a member's connection does not count
	if said, err := get(t, m, n.self.Name, "/x"); err != nil || said == "" {
		t.Errorf("afterwards a member is answered %q, %v", said, err)
	}
}

// TestCalls_ManyAtFirst: many concurrent calls before the first connection do not exceed the other side's limit.
func TestCalls_ManyAtFirst(t *testing.T) {
	t.Parallel()
	a, b := pair(t, nil)
	a.client.transport.CloseIdleConnections()
	var group sync.WaitGroup
	for range 4 * pendingPerAddr {
		group.Go(func() {
			if _, err := a.Call(t.Context(), b.self.Name, "node.ping"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// TestConnLimiter checks which connection is closed: the oldest of the new one's address at its share, else of the
// address with most.
func TestConnLimiter(t *testing.T) {
	t.Parallel()
	d := &connLimiter{port: "gossip", refusals: &refusalLog{log: newNode(t, "a.internal").Cluster.log}}
	come := func(addr string) *pendingConn { return d.admit(at(addr)) }
	quiet := come("10.0.0.9:1")
	first := come("10.0.0.1:1")
	for range pendingPerAddr {
		come("10.0.0.1:2")
	}
	if !first.Conn.(*fakeConn).closed || d.countAddr("10.0.0.1") != pendingPerAddr {
		t.Errorf("an address has %d, and its first is closed: %v", d.countAddr("10.0.0.1"), first.Conn.(*fakeConn).closed)
	}
	for i := range 4 * maxPending {
		come(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}).String() + ":1")
	}
	if len(d.pending) != maxPending {
		t.Errorf("%d guests, want %d", len(d.pending), maxPending)
	}
	passed := come("10.0.0.7:1")
	passed.release()
	d.close()
	if passed.Conn.(*fakeConn).closed || !quiet.Conn.(*fakeConn).closed {
		t.Error("the wrong connections are closed")
	}
	if come("10.0.0.8:1") != nil {
		t.Error("a closed limiter admits")
	}
}

func (l *connLimiter) countAddr(addr string) (n int) {
	for _, g := range l.pending {
		if g.addr.String() == addr {
			n++
		}
	}
	return n
}

// fakeConn is a connection from an address.
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

func TestAnnouncedSize(t *testing.T) {
	t.Parallel()
	label := string(labelHeader)
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
		if size, known := declaredSize([]byte(head)); size != want.size || known != want.known {
			t.Errorf("announced(%q) = %d, %v; want %d, %v", head, size, known, want.size, want.known)
		}
	}
}
