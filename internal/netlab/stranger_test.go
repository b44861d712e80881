//go:build linux

package netlab_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/netlab"
	"convoy/peer"
)

// TestStranger attacks a cluster from a host that has no cookie. The members stay
// together and answer each other, and nothing reaches their handlers.
func TestStranger(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4)
	members, stranger := s.lab.Hosts()[:3], s.lab.Host(3)
	tape := &tape{scene: s, exchange: map[string][]byte{}}
	s.lab.Capture(tape.see)
	var all []*process
	for _, h := range members {
		s.lab.DNS.Add(query, h.Addr())
		all = append(all, s.begin(h))
	}
	s.ready(all...)
	s.whole(deadline, all...)
	began := time.Now()
	s.until(deadline, "some gossip has been captured", func() bool { return tape.packets() >= 30 })
	var group sync.WaitGroup
	for _, victim := range all {
		for _, attack := range []func(*intruder){sendGarbage, sendPackets, callWithoutCookie, openHalf} {
			group.Go(func() { attack(&intruder{s, stranger, victim}) })
		}
	}
	group.Go(func() { tape.play(func(netip.Addr) bool { return true }) })
	group.Go(func() { tape.playExchanges(stranger) })
	group.Wait()
	s.holds(5*time.Second, func() string { return lost(began, all, all) })
	for _, p := range all {
		for _, q := range all {
			if p != q {
				s.callable(p, q)
			}
		}
	}
	s.await(deadline, func() bool { // the lines of several processes come in no order
		return !slices.ContainsFunc(all, func(p *process) bool { return p.requests() < len(all)-1 })
	})
	s.mu.Lock()
	for _, p := range all {
		if n := p.requests(); n != len(all)-1 {
			t.Errorf("%s: %d requests have reached its handler, want the members' %d", p.name, n, len(all)-1)
		}
		if n := p.lines("WARN", ""); n > 2 {
			t.Errorf("%s has written %d warnings, want no flood of them:\n%s", p.name, n, warnings(p))
		}
	}
	s.mu.Unlock()
	replayTheDead(s, tape, all)
}

// replayTheDead plays what a member sent before it left: at worst its ghost is seen
// for some seconds.
func replayTheDead(s *scene, tape *tape, all []*process) {
	s.Helper()
	gone, rest := all[2], all[:2]
	began := time.Now()
	gone.stop(sigterm)
	s.seen(deadline, fleet.MemberLeft, gone, rest...)
	tape.play(func(from netip.Addr) bool { return from == gone.host.Addr() })
	s.holds(3*time.Second, func() string { return lost(began, rest, rest) })
	s.whole(deadline, rest...)
	ghost := 0
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range rest {
		left := false
		for _, e := range p.events {
			for _, m := range e.Members {
				left = left || m.Instance == gone.instance && m.State == fleet.MemberLeft
				if left && m.Instance == gone.instance && m.State == fleet.MemberAlive {
					ghost++
				}
			}
		}
	}
	s.Logf("%d packets were on the tape; a ghost of the one that left was shown %d times", tape.packets(), ghost)
}

// tape is what somebody on the path has recorded.
type tape struct {
	scene *scene

	mu       sync.Mutex
	gossip   []netlab.Frame
	exchange map[string][]byte // what was sent to port 4444 by TCP, by connection
}

const maxTape = 300

func (r *tape) see(f netlab.Frame) {
	p, ok := f.Parse()
	if !ok || !f.Out || p.To.Port() != 4444 || len(p.Payload) == 0 {
		return
	}
	defer r.scene.stir()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch key := p.From.String() + " " + p.To.String(); {
	case p.UDP && len(r.gossip) < maxTape:
		r.gossip = append(r.gossip, f)
	case p.TCP && len(r.exchange) < 20:
		r.exchange[key] = append(r.exchange[key], p.Payload...)
	}
}

func (r *tape) packets() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.gossip)
}

// play sends the recorded packets of some hosts again, each three times, as they were.
func (r *tape) play(of func(netip.Addr) bool) {
	r.mu.Lock()
	var frames []netlab.Frame
	for _, f := range r.gossip {
		if p, _ := f.Parse(); of(p.From.Addr()) {
			frames = append(frames, f)
		}
	}
	r.mu.Unlock()
	for range 3 {
		if err := r.scene.lab.Replay(frames...); err != nil {
			r.scene.Errorf("replay: %v", err)
		}
	}
}

// playExchanges sends recorded streams again, from the stranger.
func (r *tape) playExchanges(from *netlab.Host) {
	r.mu.Lock()
	streams := map[string][]byte{}
	for key, stream := range r.exchange {
		streams[strings.Fields(key)[1]] = stream
	}
	r.mu.Unlock()
	for to, stream := range streams {
		i := &intruder{scene: r.scene, host: from}
		if answer := i.say("tcp", to, stream); bytes.Contains(answer, []byte("convoy@")) {
			r.scene.Errorf("a replayed exchange is answered in plain text")
		}
	}
}

// intruder attacks one member from the stranger's host.
type intruder struct {
	*scene
	host   *netlab.Host
	victim *process
}

func (i *intruder) at(port uint16) string {
	return netip.AddrPortFrom(i.victim.host.Addr(), port).String()
}

// say sends bytes and returns what is answered until the other side closes, or for three seconds.
func (i *intruder) say(network, addr string, b []byte) []byte {
	ctx, cancel := context.WithTimeout(i.Context(), deadline)
	defer cancel()
	conn, err := i.host.Dial(ctx, network, addr)
	if err != nil {
		i.Errorf("the stranger cannot reach %s: %v", addr, err)
		return nil
	}
	defer conn.Close()
	conn.Write(b)                                         //nolint:errcheck // it may have been refused already
	conn.SetReadDeadline(time.Now().Add(3 * time.Second)) //nolint:errcheck // the connection is open
	answer, _ := io.ReadAll(io.LimitReader(conn, 1<<20))
	return answer
}

// label stands before all of the cluster's gossip; it is no secret.
const label = "\xf4\x06convoy"

// sendGarbage connects to both ports and says what they do not understand.
func sendGarbage(i *intruder) {
	random := make([]byte, 64<<10)
	rand.Read(random)
	said := [][]byte{
		random,
		[]byte("GET /nodes HTTP/1.1\r\nHost: x\r\n\r\n"),
		[]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		[]byte(label + "\x06\x83\xa5Nodes\x01\xacUserStateLen\x00\xa4Join\xc3"), // an exchange that is not encrypted
		[]byte(label + "\x0a\xff\xff\xff\xff"),                                  // one of 4 GiB
		append([]byte(label+"\x0a\x00\x00\x40\x00"), random[:1<<14]...),         // one that is not ours
	}
	var group sync.WaitGroup
	defer group.Wait()
	for _, port := range []uint16{4444, 4445} {
		for _, b := range said {
			group.Go(func() {
				if answer := i.say("tcp", i.at(port), b); bytes.Contains(answer, []byte("convoy@")) ||
					bytes.Contains(answer, []byte("200 OK")) {
					i.Errorf("port %d answers %q with %q", port, b[:min(len(b), 40)], answer)
				}
			})
		}
	}
}

// sendPackets sends packets that are not gossip, or not this cluster's.
func sendPackets(i *intruder) {
	conn, err := i.host.ListenPacket(0)
	if err != nil {
		i.Error(err)
		return
	}
	defer conn.Close()
	to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(i.victim.host.Addr(), 4444))
	for size := range 1400 {
		b := make([]byte, size)
		rand.Read(b)
		switch size % 5 {
		case 0:
			b = append([]byte(label), b...)
		case 1:
			b = append([]byte(label+"\x01"), b...) // as if it was encrypted
		case 2:
			b = append([]byte{byte(size / 5 % 15)}, b...) // each kind of message
		case 3: // a ping, plainly
			b = fmt.Appendf(nil, "%s\x00\x82\xa5SeqNo\x01\xa4Node\xb0%s", label, i.victim.instance)
		}
		conn.WriteTo(b, to) //nolint:errcheck // a port that is closed would be found out otherwise
	}
	conn.SetReadDeadline(time.Now().Add(time.Second)) //nolint:errcheck // the socket is open
	b := make([]byte, 2048)
	if n, from, err := conn.ReadFrom(b); err == nil {
		i.Errorf("%v answers a stranger's packet: %q", from, b[:n])
	}
}

// callWithoutCookie asks for what a member may: without a certificate, with one that
// it has made itself, and with another cluster's.
func callWithoutCookie(i *intruder) {
	for name, certificate := range map[string]*tls.Certificate{"no": nil, "a self-made": forge(i.T, ""),
		"another cluster's": forge(i.T, cookieB)} {
		config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}, ServerName: i.victim.instance}
		if certificate != nil {
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
		}
		transport := &http.Transport{
			TLSClientConfig: config, ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return i.host.Dial(ctx, network, addr)
			},
		}
		client := &http.Client{Transport: transport, Timeout: deadline}
		for _, path := range []string{"/call/node.ping", "/send/worker", "/stolen"} {
			answer, err := client.Post("https://"+i.at(4445)+path, "application/json", strings.NewReader("[]"))
			if err == nil {
				answer.Body.Close()
				i.Errorf("with %s certificate, %s is answered: %s", name, path, answer.Status)
			}
		}
		client.CloseIdleConnections()
	}
}

// forge makes a certificate as a member has it, but by another authority: one derived
// from a cookie, or one that is nobody's.
func forge(t *testing.T, cookie string) *tls.Certificate {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	if cookie != "" {
		seed = peer.Key(cookie, "ca")
	}
	authority := ed25519.NewKeyFromSeed(seed)
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{{Scheme: "convoy", Opaque: "convoy@n100.internal/0123456789abcdef"}},
	}
	parent := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	parent.Subject.CommonName = "convoy cluster"
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, authority)
	if err != nil {
		t.Error(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// openHalf opens connections and stops in the middle: the member has to end them.
func openHalf(i *intruder) {
	var group sync.WaitGroup
	for _, begun := range []struct {
		port uint16
		said []byte
	}{{4444, nil}, {4444, []byte(label)}, {4444, []byte(label + "\x0a\x00\x00")}, {4445, nil}, {4445, halfHello()}} {
		for range 5 {
			group.Go(func() { i.wait(begun.port, begun.said) })
		}
	}
	group.Wait()
}

// wait says the beginning of something, and waits until the other side closes.
func (i *intruder) wait(port uint16, said []byte) {
	ctx, cancel := context.WithTimeout(i.Context(), deadline)
	defer cancel()
	conn, err := i.host.Dial(ctx, "tcp", i.at(port))
	if err != nil {
		i.Errorf("the stranger cannot reach port %d: %v", port, err)
		return
	}
	defer conn.Close()
	conn.Write(said)                               //nolint:errcheck // the read tells
	conn.SetReadDeadline(time.Now().Add(deadline)) //nolint:errcheck // the connection is open
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		i.Errorf("port %d of %s keeps a connection that has said %q and no more", port, i.victim.name, said)
	}
}

// halfHello is the first half of a TLS handshake's first message.
func halfHello() []byte {
	here, there := net.Pipe()
	defer here.Close()
	// It is not to end.
	go tls.Client(here, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).Handshake() //nolint:errcheck
	b := make([]byte, 4096)
	n, err := there.Read(b)
	if err != nil {
		panic(err)
	}
	there.Close()
	return b[:n/2]
}
