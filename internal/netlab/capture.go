//go:build linux

package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

const (
	captureBufferBytes = 32 << 20
	captureFrameBytes  = 128 << 10 // the kernel joins segments
	protocolTCP        = 6
	protocolUDP        = 17
	etherIPv6          = 0x86dd
	etherBytes         = 14
	ipv6Bytes          = 40
)

// Frame is what went through the hub once, in or out of one of its devices.
type Frame struct {
	Device int
	Out    bool   // away from the hub, to a host
	Bytes  []byte // with the Ethernet header
}

// Capture listens to all that passes the hub. A packet from host to host is two
// frames: one in and one out.
type Capture struct {
	file *os.File
	done sync.WaitGroup
	see  func(Frame)
	err  error
}

// Capture begins to listen, and gives each frame to see, from one goroutine,
// which must not keep it waiting. The frame's bytes are see's to keep. The test's
// end ends it.
func (l *Lab) Capture(see func(Frame)) *Capture {
	l.t.Helper()
	c := &Capture{see: see}
	testkit.Must(l.t, l.hub.inside(func() error {
		fd, err := unix.Socket(
			unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(bigEndian(unix.ETH_P_ALL)),
		)
		if err != nil {
			return err
		}
		c.file = os.NewFile(uintptr(fd), "capture")
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, captureBufferBytes)
	}))
	c.done.Go(c.read)
	l.t.Cleanup(func() { c.Close(l.t) })
	return c
}

func bigEndian(n uint16) uint16 { return n<<8 | n>>8 }

func (c *Capture) read() {
	raw, err := c.file.SyscallConn()
	if err != nil {
		c.err = err
		return
	}
	buffer := make([]byte, captureFrameBytes)
	for {
		var n int
		var from unix.Sockaddr
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, from, failed = unix.Recvfrom(int(fd), buffer, 0)
			return !errors.Is(failed, syscall.EAGAIN)
		})
		if err != nil {
			return // closed
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if failed != nil || !ok {
			continue // a device went down
		}
		c.see(Frame{link.Ifindex, link.Pkttype == unix.PACKET_OUTGOING, append([]byte(nil), buffer[:n]...)})
	}
}

// Close ends the capture. The test fails if frames were missed.
func (c *Capture) Close(t testing.TB) {
	t.Helper()
	raw, err := c.file.SyscallConn()
	if err != nil {
		return
	}
	var stats *unix.TpacketStats
	raw.Control(func(fd uintptr) {
		stats, err = unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
	})
	if c.file.Close() != nil {
		return // was closed before
	}
	c.done.Wait()
	switch {
	case err != nil || c.err != nil:
		t.Errorf("netlab: capture: %v", errors.Join(err, c.err))
	case stats != nil && stats.Drops > 0:
		t.Errorf("netlab: capture missed %d frames of %d", stats.Drops, stats.Packets)
	}
}

// Replay sends frames that have been seen once more, each out of the same device.
func (l *Lab) Replay(frames ...Frame) error {
	return l.hub.inside(func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, f := range frames {
			if err := unix.Sendto(fd, f.Bytes, 0, &unix.SockaddrLinklayer{Ifindex: f.Device, Halen: 6}); err != nil {
				return fmt.Errorf("replay a frame: %w", err)
			}
		}
		return nil
	})
}

// Packet is the headers of an IPv6 frame.
type Packet struct {
	From, To netip.AddrPort
	TCP, UDP bool
	Payload  []byte
}

// Parse reads a frame's headers. ok is false unless it is TCP or UDP over IPv6.
func (f Frame) Parse() (p Packet, ok bool) {
	if f.EtherType() != etherIPv6 || len(f.Bytes) < etherBytes+ipv6Bytes+8 {
		return p, false
	}
	head, rest := f.Bytes[etherBytes:etherBytes+ipv6Bytes], f.Bytes[etherBytes+ipv6Bytes:]
	from, _ := netip.AddrFromSlice(head[8:24])
	to, _ := netip.AddrFromSlice(head[24:40])
	p.From = netip.AddrPortFrom(from, binary.BigEndian.Uint16(rest))
	p.To = netip.AddrPortFrom(to, binary.BigEndian.Uint16(rest[2:]))
	switch head[6] {
	case protocolUDP:
		p.UDP, p.Payload = true, rest[8:]
	case protocolTCP:
		if size := 20; len(rest) >= size {
			size = min(int(rest[12]>>4)*4, len(rest))
			p.TCP, p.Payload = true, rest[size:]
		}
	}
	return p, p.TCP || p.UDP
}

// EtherType is the frame's: 0x86dd is IPv6, 0x0800 is IPv4.
func (f Frame) EtherType() uint16 {
	if len(f.Bytes) < etherBytes {
		return 0
	}
	return binary.BigEndian.Uint16(f.Bytes[12:])
}
