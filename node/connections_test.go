package node

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"convoy/internal/testkit"
)

// An address has a limit; all addresses together leave the reserve to those with few connections; shared addresses are
// limited only in total.
func TestConnections_Bounds(t *testing.T) {
	t.Parallel()
	b := &connLimits{
		max:        800,
		maxPerAddr: 100,
		shared:     func(a netip.Addr) bool { return a.IsPrivate() },
		log:        slog.New(slog.DiscardHandler),
		open:       map[string]int{},
	}
	take := func(addr string, n int) (got int) {
		for i := range n {
			if b.admit(netip.AddrPortFrom(netip.MustParseAddr(addr), uint16(1000+i)).String()) {
				got++
			}
		}
		return got
	}
	for _, step := range []struct {
		addr       string
		asks, gets int
		why        string
	}{
		{"192.0.2.1", 1000, 100, "one address"},
		{"2001:db8:1:1::1", 60, 60, "one address of a network"},
		{"2001:db8:1:1:ffff::2", 60, 40, "another of the same"},
		{"10.0.0.1", 2000, 500, "a proxy, up to the reserve"},
		{"192.0.2.2", 1000, reservedPerAddr, "another address, of the reserve"},
		{"192.0.2.1", 1, 0, "the first one again"},
		{"10.0.0.2", 1, 0, "another proxy"},
		{"192.0.2.3", 1, 1, "somebody who just comes"},
	} {
		if got := take(step.addr, step.asks); got != step.gets {
			t.Errorf("%s: %d of %d, want %d", step.why, got, step.asks, step.gets)
		}
	}
}

// The server closes connections beyond the limit, serves again when one is closed, and counts each once.
func TestConnections_Served(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	b := newConnLimits(func(netip.Addr) bool { return false }, slog.New(slog.DiscardHandler))
	b.maxPerAddr = 3
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok") //nolint:errcheck // the client reports it
	})
	server := newServer(handler, slog.New(slog.DiscardHandler))
	go server.Serve(&limitedListener{listener, b}) //nolint:errcheck // Close ends it
	defer server.Close()
	ask := func() (net.Conn, error) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		testkit.Must(t, err)
		testkit.Must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") //nolint:errcheck // the answer reports it
		_, err = bufio.NewReader(conn).ReadString('\n')
		return conn, err
	}
	conns := make([]net.Conn, b.maxPerAddr)
	for i := range conns {
		if conns[i], err = ask(); err != nil {
			t.Fatal(err)
		}
		defer conns[i].Close()
	}
	more, err := ask()
	if more.Close(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many: %v", err)
	}
	conns[0].Close()
	for deadline := time.Now().Add(time.Minute); ; {
		again, err := ask()
		again.Close()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no connection is served after one was closed")
		}
	}
}

// Servers do not wait for slow headers, with TLS either.
func TestConnections_SlowHeaders(t *testing.T) {
	t.Parallel()
	cert, err := newSelfSigned([]string{"localhost"}, time.Now())
	testkit.Must(t, err)
	pair, err := tls.X509KeyPair(cert, cert)
	testkit.Must(t, err)
	for name, secure := range map[string]*tls.Config{"plain": nil, "TLS": {Certificates: []tls.Certificate{pair}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
			if server.ReadHeaderTimeout == 0 || server.IdleTimeout == 0 || server.MaxHeaderBytes > 1<<17 {
				t.Errorf("%+v", server)
			}
			server.ReadHeaderTimeout = 100 * time.Millisecond
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			testkit.Must(t, err)
			serve := server.Serve
			if server.TLSConfig = secure; secure != nil {
				serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
			}
			go serve(listener) //nolint:errcheck // Close ends it
			defer server.Close()
			for _, text := range []string{"", "GET / HTTP/1.1\r\nHost: lo", "\x16\x03\x01"} {
				conn, err := net.Dial("tcp", listener.Addr().String())
				testkit.Must(t, err)
				defer conn.Close()
				testkit.Must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
				_, err = io.WriteString(conn, text)
				testkit.Must(t, err)
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%q holds a connection", text)
				}
			}
		})
	}
}

// pipes is a listener whose connections are in memory.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error {
	close(p.conns)
	return nil
}

func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// Connections without a request, such as those that browsers open in advance, do not delay the end. A request does.
func TestConnections_Shutdown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":                                   0,
		"GET / HTTP/1.1\r\nHost: lo":         0,
		"GET / HTTP/1.1\r\nHost: lo\r\n\r\n": time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				<-time.After(time.Second)
			}), slog.New(slog.DiscardHandler))
			listener := pipes{make(chan net.Conn)}
			go server.Serve(listener) //nolint:errcheck // Shutdown ends it
			client, conn := net.Pipe()
			defer client.Close()
			listener.conns <- conn
			go io.Copy(io.Discard, client) //nolint:errcheck // the end is an error
			_, err := io.WriteString(client, text)
			testkit.Must(t, err)
			synctest.Wait()
			began := time.Now()
			testkit.Must(t, server.Shutdown(t.Context()))
			if took := time.Since(began); took < want || took >= want+time.Second {
				t.Errorf("%q: the end took %v of the bubble's time", text, took)
			}
		})
	}
}
