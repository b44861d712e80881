package peer

import (
	"encoding/binary"
	"fmt"
	"log"
	"net"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	// stateBytes and memberBytes limit the member list that a connection may announce: enough for a few hundred unknown
	// members, and for all known ones. A member takes at most 650 bytes, and compression may add half of that.
	stateBytes  = 256 << 10
	memberBytes = 1 << 10
	// replyBytes limits the list that a dialled node answers with.
	replyBytes = 4 << 20

	encryptedMark = 10 // memberlist's encryptMsg
)

// gossipTransport is memberlist's transport with limits for unauthenticated connections, and with streams that end with
// the cluster rather than at their timeout.
type gossipTransport struct {
	*memberlist.NetTransport
	conns   *connSet
	limiter *connLimiter
	limit   func() int // for lists announced by inbound streams, in bytes

	streams chan net.Conn
	done    chan struct{} // closed by Shutdown when no more connections arrive
	ended   chan struct{} // closed when accept has ended
}

// newGossipTransport starts to accept connections, until Shutdown.
func newGossipTransport(
	inner *memberlist.NetTransport, conns *connSet, limiter *connLimiter, limit func() int,
) *gossipTransport {
	t := &gossipTransport{
		NetTransport: inner, conns: conns, limiter: limiter, limit: limit,
		streams: make(chan net.Conn), done: make(chan struct{}), ended: make(chan struct{}),
	}
	go t.accept()
	return t
}

// accept passes connections to memberlist, which gives each streamTimeout in total.
func (t *gossipTransport) accept() {
	defer close(t.ended)
	for {
		select {
		case conn := <-t.NetTransport.StreamCh():
			g := t.limiter.admit(conn)
			if g == nil {
				continue
			}
			select {
			case t.streams <- &limitedStream{Conn: g, limit: t.limit()}:
			case <-t.done:
				g.Close()
			}
		case <-t.done:
			return
		}
	}
}

// StreamCh returns the admitted connections.
func (t *gossipTransport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown closes the ports and the inbound connections.
func (t *gossipTransport) Shutdown() error {
	t.limiter.close()
	err := t.NetTransport.Shutdown() // accept drains its channel during it
	close(t.done)
	<-t.ended
	return err
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

// limitedStream rejects a stream that announces more than limit bytes before it reads any of them.
type limitedStream struct {
	net.Conn
	limit int
	head  []byte // the first bytes, until the size is known
	known bool
}

// Read passes on data, unless it announces too much.
func (s *limitedStream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if s.known || n == 0 {
		return n, err
	}
	s.head = append(s.head, b[:min(n, len(labelHeader)+5-len(s.head))]...)
	size, known := announcedSize(s.head)
	if s.known = known; known && size > s.limit {
		return 0, fmt.Errorf("the other side announces a member list of %d bytes, at most %d are allowed", size, s.limit)
	}
	return n, err
}

// announcedSize is the size that the beginning of a stream announces, 0 if none; known is false until there are enough
// bytes.
func announcedSize(head []byte) (size int, known bool) {
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

// bindGossip opens UDP and TCP on one port of an address. Port 0 picks a port that is free for both, which may take a
// few attempts.
func bindGossip(bind netip.Addr, port uint16, logger *log.Logger) (*memberlist.NetTransport, error) {
	attempts := 1
	if port == 0 {
		attempts = 10
	}
	config := &memberlist.NetTransportConfig{BindAddrs: []string{bind.String()}, BindPort: int(port), Logger: logger}
	for {
		transport, err := memberlist.NewNetTransport(config)
		if attempts--; err == nil || attempts == 0 {
			return transport, err
		}
	}
}
