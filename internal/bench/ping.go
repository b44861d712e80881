package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// ping is an echo server behind a proxy.
type ping struct {
	server net.Listener
	link   *proxy
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
	if p.link, err = newProxy(server.Addr().String(), delay); err != nil {
		server.Close()
		return nil, err
	}
	if p.conn, err = net.Dial("tcp", p.link.addr()); err != nil {
		p.link.close()
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
	p.link.close()
	p.server.Close()
	p.done.Wait()
}
