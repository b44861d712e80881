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
	// stateBytes and memberBytes bound the list of members that a connection may announce to this node: enough for
	// some hundred members that it does not know, and for all that it does. One of them takes at most 650 bytes, and
	// compression may make that half as many again.
	stateBytes  = 256 << 10
	memberBytes = 1 << 10
	// replyBytes bounds the list that a node answers with which was dialled from here.
	replyBytes = 4 << 20

	encryptedMark = 10 // memberlist's encryptMsg
)

// gossipTransport is memberlist's own transport, with bounds on what strangers can hold, and with streams that end when
// the cluster is closed rather than at their timeout.
type gossipTransport struct {
	*memberlist.NetTransport
	conns *connSet
	door  *door
	limit func() int // of what inbound streams may announce, in bytes

	streams chan net.Conn
	done    chan struct{} // closed by Shutdown once nothing more comes
	ended   chan struct{} // closed when takeIn has ended
}

// newGossipTransport begins to take connections in; Shutdown ends that.
func newGossipTransport(inner *memberlist.NetTransport, conns *connSet, door *door, limit func() int) *gossipTransport {
	t := &gossipTransport{
		NetTransport: inner, conns: conns, door: door, limit: limit,
		streams: make(chan net.Conn), done: make(chan struct{}), ended: make(chan struct{}),
	}
	go t.takeIn()
	return t
}

// takeIn hands connections on to memberlist, which gives each streamTimeout in all.
func (t *gossipTransport) takeIn() {
	defer close(t.ended)
	for {
		select {
		case conn := <-t.NetTransport.StreamCh():
			g := t.door.admit(conn)
			if g == nil {
				continue
			}
			select {
			case t.streams <- &boundStream{Conn: g, limit: t.limit()}:
			case <-t.done:
				g.Close()
			}
		case <-t.done:
			return
		}
	}
}

// StreamCh gives the connections that were let in.
func (t *gossipTransport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown closes the ports, and ends what has come in by them.
func (t *gossipTransport) Shutdown() error {
	t.door.close()
	err := t.NetTransport.Shutdown() // takeIn empties its channel meanwhile
	close(t.done)
	<-t.ended
	return err
}

func (t *gossipTransport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	conn, err := t.conns.dial(addr, timeout, nil)
	if err != nil {
		return nil, err
	}
	return &boundStream{Conn: conn, limit: replyBytes}, nil
}

func (t *gossipTransport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

var _ memberlist.NodeAwareTransport = (*gossipTransport)(nil)

// streamHead is how a stream begins, one way or the other: the label may come once, before the first message.
var streamHead = []byte("\xf4\x06" + gossipLabel)

// boundStream refuses a stream that announces more than limit bytes, before any of them is read.
type boundStream struct {
	net.Conn
	limit int
	head  []byte // the first bytes, until the size is known
	known bool
}

// Read gives what has come, as long as it is not the beginning of too much.
func (s *boundStream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if s.known || n == 0 {
		return n, err
	}
	s.head = append(s.head, b[:min(n, len(streamHead)+5-len(s.head))]...)
	size, known := announced(s.head)
	if s.known = known; known && size > s.limit {
		return 0, fmt.Errorf("the other side announces %d bytes; a list of members may have %d here", size, s.limit)
	}
	return n, err
}

// announced is the size that a stream's beginning announces, 0 if it announces none; known is false while bytes are
// missing to tell.
func announced(head []byte) (size int, known bool) {
	if n := min(len(head), len(streamHead)); string(head[:n]) == string(streamHead[:n]) {
		head = head[n:]
		if n < len(streamHead) {
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

// bindGossip opens UDP and TCP on one port of one address. Port 0 takes one that
// is free for both, which may need some attempts.
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
