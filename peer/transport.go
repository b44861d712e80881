package peer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	// stateBytes and memberBytes limit the member list that a connection may declare: enough for a few hundred unknown
	// members, and for all known ones. A member takes at most 650 bytes, and compression may add half of that.
	stateBytes  = 256 << 10
	memberBytes = 1 << 10
	// replyBytes limits the list that a dialled node answers with.
	replyBytes = 4 << 20

	encryptedMark = 10 // memberlist's encryptMsg

	maxPacketBytes = 64 << 10
	receiveBytes   = 2 << 20                // of packets that wait in the kernel
	portPause      = 100 * time.Millisecond // after an error, such as too many open files
)

// gossipTransport carries memberlist's packets and streams. Other than memberlist's own transport, it limits
// unauthenticated connections, ends streams with the cluster rather than at their timeout, and reads all packets into
// one buffer of 64 KiB rather than each into a new one, which would keep the garbage collector of a node at rest busy.
type gossipTransport struct {
	addr    netip.AddrPort
	stream  net.Listener
	packet  *net.UDPConn
	conns   *connSet
	limiter *connLimiter
	limit   func() int // for lists declared by inbound streams, in bytes
	log     *log.Logger

	packets chan *memberlist.Packet
	streams chan net.Conn
	done    context.Context
	stop    context.CancelFunc
	readers sync.WaitGroup
}

// ports are those of gossip: TCP and UDP with one number.
type ports struct {
	stream net.Listener
	packet *net.UDPConn
}

// bindGossip opens UDP and TCP on one port of an address. Port 0 picks a port that is free for both, which may take a
// few attempts.
func bindGossip(bind netip.Addr, port uint16) (ports, error) {
	attempts := 1
	if port == 0 {
		attempts = 10
	}
	for {
		p, err := bindBoth(bind, port)
		if attempts--; err == nil || attempts == 0 {
			return p, err
		}
	}
}

func bindBoth(bind netip.Addr, port uint16) (p ports, err error) {
	if p.stream, err = net.Listen("tcp", netip.AddrPortFrom(bind, port).String()); err != nil {
		return p, err
	}
	at := netip.AddrPortFrom(bind, p.port())
	if p.packet, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at)); err != nil {
		p.stream.Close()
		return p, err
	}
	p.packet.SetReadBuffer(receiveBytes) //nolint:errcheck // then the system's own size has to do
	return p, nil
}

func (p ports) port() uint16 { return uint16(p.stream.Addr().(*net.TCPAddr).Port) }

// start reads packets and accepts connections, until Shutdown.
func (t *gossipTransport) start(p ports) {
	t.stream, t.packet = &limitedListener{p.stream, t.limiter}, p.packet
	t.packets, t.streams = make(chan *memberlist.Packet), make(chan net.Conn)
	t.done, t.stop = context.WithCancel(context.Background())
	t.readers.Go(t.accept)
	t.readers.Go(t.receive)
}

// accept passes connections to memberlist, which gives each streamTimeout in total.
func (t *gossipTransport) accept() {
	for t.done.Err() == nil {
		conn, err := t.stream.Accept()
		if err != nil {
			t.failed(err)
			continue
		}
		select {
		case t.streams <- &limitedStream{Conn: conn, limit: t.limit()}:
		case <-t.done.Done():
			conn.Close()
		}
	}
}

// receive passes packets to memberlist.
func (t *gossipTransport) receive() {
	buffer := make([]byte, maxPacketBytes)
	for t.done.Err() == nil {
		n, from, err := t.packet.ReadFromUDPAddrPort(buffer)
		if err != nil {
			t.failed(err)
			continue
		}
		if n == 0 {
			continue
		}
		p := &memberlist.Packet{
			Buf: bytes.Clone(buffer[:n]), From: net.UDPAddrFromAddrPort(from), Timestamp: time.Now(),
		}
		select {
		case t.packets <- p:
		case <-t.done.Done():
		}
	}
}

// failed logs an error of a port and waits a while, unless the port has been closed.
func (t *gossipTransport) failed(err error) {
	if t.done.Err() != nil {
		return
	}
	t.log.Printf("[ERR] gossip port: %v", err)
	select {
	case <-time.After(portPause):
	case <-t.done.Done():
	}
}

// StreamCh returns the admitted connections.
func (t *gossipTransport) StreamCh() <-chan net.Conn { return t.streams }

// PacketCh returns the packets.
func (t *gossipTransport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// FinalAdvertiseAddr returns the address that this node tells the others: the one that it listens on.
func (t *gossipTransport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return t.addr.Addr().AsSlice(), int(t.addr.Port()), nil
}

// Shutdown closes the ports and the inbound connections.
func (t *gossipTransport) Shutdown() error {
	t.stop()
	t.limiter.close()
	err := errors.Join(t.stream.Close(), t.packet.Close())
	t.readers.Wait()
	return err
}

// WriteTo sends a packet.
func (t *gossipTransport) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, err
	}
	_, err = t.packet.WriteToUDPAddrPort(b, to)
	return time.Now(), err
}

func (t *gossipTransport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, a.Addr)
}

func (t *gossipTransport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	conn, err := t.conns.dial(addr, timeout, nil)
	if err != nil {
		return nil, err
	}
	return &limitedStream{Conn: conn, limit: replyBytes}, nil
}

func (t *gossipTransport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

var _ memberlist.NodeAwareTransport = (*gossipTransport)(nil)

// labelHeader may start a stream, in either direction, before the first message.
var labelHeader = []byte("\xf4\x06" + gossipLabel)

// limitedStream rejects a stream that declares more than limit bytes before it reads any of them.
type limitedStream struct {
	net.Conn
	limit int
	head  []byte // the first bytes, until the size is known
	known bool
}

// Read passes on data, unless it declares too much.
func (s *limitedStream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if s.known || n == 0 {
		return n, err
	}
	s.head = append(s.head, b[:min(n, len(labelHeader)+5-len(s.head))]...)
	size, known := declaredSize(s.head)
	if s.known = known; known && size > s.limit {
		return 0, fmt.Errorf("the other side announces a member list of %d bytes, at most %d are allowed", size, s.limit)
	}
	return n, err
}

// declaredSize is the size that the beginning of a stream declares, 0 if none; known is false until there are enough
// bytes.
func declaredSize(head []byte) (size int, known bool) {
	if n := min(len(head), len(labelHeader)); string(head[:n]) == string(labelHeader[:n]) {
		head = head[n:]
		if n < len(labelHeader) {
			return 0, false
		}
	}
	switch {
	case len(head) > 0 && head[0] != encryptedMark:
		return 0, true
	case len(head) < 5:
		return 0, false
	}
	return int(binary.BigEndian.Uint32(head[1:5])), true
}
