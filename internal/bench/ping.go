package main

import (
	"io"
	"net"
	"sync"
	"time"

	"convoy/internal/faultproxy"
)

// ping is an echo server behind a proxy.
type ping struct {
	server net.Listener
	link   *faultproxy.Proxy
	conn   net.Conn
	done   sync.WaitGroup
}

func newPing(delay time.Duration) (*ping, error) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &ping{server: server}
	p.done.Go(func() {
		conn, err := server.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.Copy(conn, conn) //nolint:errcheck // the pinging side sees it
	})
	if p.link, err = faultproxy.New(server.Addr().String()); err != nil {
		server.Close()
		return nil, err
	}
	p.link.Delay(delay)
	if p.conn, err = net.Dial("tcp", p.link.Addr()); err != nil {
		p.link.Close()
		server.Close()
		return nil, err
	}
	return p, nil
}

// trip sends a byte and waits for it.
func (p *ping) trip() (time.Duration, error) {
	began := time.Now()
	if _, err := p.conn.Write([]byte{1}); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(p.conn, make([]byte, 1))
	return time.Since(began), err
}

func (p *ping) close() {
	p.conn.Close()
	p.link.Close()
	p.server.Close()
	p.done.Wait()
}
