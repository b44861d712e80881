package main

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// proxy carries connections to an address, each way by a delay late, as a long line does: what is under way is not
// bounded.
type proxy struct {
	listener net.Listener
	to       string
	delay    time.Duration
	ctx      context.Context
	stop     context.CancelFunc
	done     sync.WaitGroup
}

func newProxy(to string, delay time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, to: to, delay: delay}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.done.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// close ends all connections and waits.
func (p *proxy) close() {
	p.stop()
	p.listener.Close()
	p.done.Wait()
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.to)
		if err != nil {
			near.Close()
			continue
		}
		cut := context.AfterFunc(p.ctx, func() { near.Close(); far.Close() })
		var both sync.WaitGroup
		both.Go(func() { p.carry(near, far) })
		both.Go(func() { p.carry(far, near) })
		p.done.Go(func() {
			both.Wait()
			cut()
		})
	}
}

// late is a piece of what is under way.
type late struct {
	due   time.Time
	bytes []byte
}

// carry moves what from says to to, and closes both at its end.
func (p *proxy) carry(from io.ReadCloser, to io.WriteCloser) {
	line := make(chan late, 1<<16)
	var writer sync.WaitGroup
	writer.Go(func() {
		defer to.Close()
		defer from.Close()
		for one := range line {
			time.Sleep(time.Until(one.due))
			if _, err := to.Write(one.bytes); err != nil {
				from.Close()
				for range line { // lets the reader end
				}
				return
			}
		}
	})
	defer writer.Wait()
	defer close(line)
	for {
		buf := make([]byte, 4<<10)
		n, err := from.Read(buf)
		if n > 0 {
			line <- late{time.Now().Add(p.delay), buf[:n]}
		}
		if err != nil {
			return
		}
	}
}
