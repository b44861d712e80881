package repl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"convoy/repl/wire"
)

// renewTime is how long calls wait for the node's next process.
const renewTime = 10 * time.Second

var (
	errCut    = errors.New("the node restarted during this call; it may or may not have been carried out")
	errAbsent = fmt.Errorf("the node is restarting, and did not answer for %v; try again", renewTime)
)

// Link calls functions of the node that started this shell. It outlives that node's process: each passes a new
// connection over the control socket that the shell inherited. Its methods are safe for concurrent use.
type Link struct {
	control  *net.UnixConn
	patience time.Duration // renewTime

	mu      sync.Mutex
	conn    *wire.Conn    // the latest, which may have ended; nil before the first
	renewed chan struct{} // closed and replaced when conn changes
	busy    bool          // as the node knows it
}

// OpenLink takes over an inherited descriptor: the program's end of a control socket. Call Serve, which closes it.
func OpenLink(fd int) (*Link, error) {
	file := os.NewFile(uintptr(fd), "node")
	if file == nil {
		return nil, os.ErrInvalid
	}
	defer file.Close() // the copy is closed on exec: no sandbox inherits it
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	control, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("it is not a Unix socket"), conn.Close())
	}
	return &Link{control: control, patience: renewTime, renewed: make(chan struct{})}, nil
}

// Serve serves one connection after the other, until no process holds the other end of the control socket, or ctx ends.
func (l *Link) Serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { l.control.Close() })
	defer stop()
	defer l.control.Close()
	for {
		stream, err := wire.Accept(l.control)
		if err != nil {
			return
		}
		conn := wire.New(stream, func(context.Context, string, []json.RawMessage) (any, error) {
			return nil, errors.New("a shell serves nothing")
		})
		l.renew(conn)
		conn.Serve(ctx) //nolint:errcheck // the next connection counts
	}
}

// renew puts a connection into use, and tells the node what its predecessor knew, without which it does not know what
// the shell does.
func (l *Link) renew(conn *wire.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	conn.Notify(Busy, l.busy) //nolint:errcheck // the next connection is told again
	close(l.renewed)
	l.renewed = make(chan struct{})
}

// setBusy tells the node, and those that follow it, whether the prompt evaluates something.
func (l *Link) setBusy(busy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = busy
	if l.conn != nil {
		l.conn.Notify(Busy, busy) //nolint:errcheck // the next connection is told again
	}
}

// Call implements [Node]. While the node restarts it waits for the next process, for 10 s; a call that had been sent is
// not repeated.
func (l *Link) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, l.patience, errAbsent)
	defer cancel()
	var ended *wire.Conn
	for {
		conn, err := l.after(waiting, ended)
		if err != nil {
			return nil, err
		}
		value, err := conn.Call(ctx, fn, args...)
		switch {
		case errors.Is(err, wire.ErrLost):
			return nil, errCut
		case errors.Is(err, wire.ErrClosed): // before it was sent
			ended = conn
		default:
			return value, err
		}
	}
}

// after returns the first connection after one that has ended.
func (l *Link) after(ctx context.Context, ended *wire.Conn) (*wire.Conn, error) {
	for {
		l.mu.Lock()
		conn, renewed := l.conn, l.renewed
		l.mu.Unlock()
		if conn != ended {
			return conn, nil
		}
		select {
		case <-renewed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
