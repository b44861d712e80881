package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"convoy/internal/bench/figures"
)

const (
	oneWay       = 25 * time.Millisecond
	typingPause  = time.Second / 30
	delayKeys    = 10 // one after the other, in a round
	typedKeys    = 30 // at 30 keys a second, in a round
	inputsAtOnce = 4  // as browsers have over HTTP/1.1
)

// measureDelay types through a proxy that is 25 ms late each way. The round trip that it compares with is that of a
// byte to an echo server through the same proxy: timers too have their price.
func measureDelay(ctx context.Context, b *bench) error {
	link, err := newProxy(strings.TrimPrefix(b.convoy.base, "http://"), oneWay)
	if err != nil {
		return err
	}
	defer link.close()
	l, err := openShell(ctx, b.convoy.client("http://"+link.addr()), b.convoy.name)
	if err != nil {
		return err
	}
	w, err := newWay(ctx, wayCP, l)
	if err != nil {
		return err
	}
	defer w.close()
	ping, err := newPing(oneWay)
	if err != nil {
		return err
	}
	defer ping.close()

	var trips, single, typed rounds
	for round := range b.rounds {
		for range delayKeys {
			trip, err := ping.trip()
			if err != nil {
				return err
			}
			trips.add(round, millis(trip))
			took, err := typeKey(ctx, w, '#')
			if err != nil {
				return err
			}
			single.add(round, millis(took))
		}
		times, err := typeSteadily(ctx, w, l)
		if err != nil {
			return err
		}
		typed.add(round, times...)
		if err := endLine(ctx, w); err != nil {
			return err
		}
	}
	for _, one := range []struct {
		way    string
		rounds rounds
	}{{"round trip of the link", trips}, {wayCP + ", one key at a time", single}, {wayCP + ", 30 keys/s", typed}} {
		b.report.add("delay", one.way, "p50", unitMillis, figures.Percentile(one.rounds.all(), 50))
		b.report.add("delay", one.way, "p90", unitMillis, figures.Percentile(one.rounds.all(), 90))
		b.report.add("delay", one.way, "p99", unitMillis, figures.Percentile(one.rounds.all(), 99))
		b.report.add("delay", one.way, "× round trip", unitRatio, figures.Ratio(one.rounds.medians(), trips.medians()))
	}
	return nil
}

// typeSteadily types 30 keys a second as a page does: numbered, some of them under way at the same time. It is the
// milliseconds from each key to its echo.
func typeSteadily(ctx context.Context, w *way, l *convoyLink) ([]float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free := make(chan struct{}, inputsAtOnce)
	pressed := make(chan time.Time, typedKeys)
	var typing sync.WaitGroup
	typing.Go(func() {
		beat := time.NewTicker(typingPause)
		defer beat.Stop()
		for i := range typedKeys {
			<-beat.C
			pressed <- time.Now()
			free <- struct{}{}
			n := l.next
			l.next++
			typing.Go(func() {
				if err := l.sendNumbered(ctx, n, []byte{keyAt(i)}); err != nil {
					cancel(err)
				}
				<-free
			})
		}
	})
	defer typing.Wait()
	var times []float64
	for len(times) < typedKeys {
		c, err := w.take(ctx, 1)
		if err != nil {
			cancel(err)
			return nil, err
		}
		if want := keyAt(len(times)); c.bytes[0] != want {
			err := fmt.Errorf("key %d: the echo of %q is %q", len(times), want, c.bytes)
			cancel(err)
			return nil, err
		}
		times = append(times, millis(c.at.Sub(<-pressed)))
	}
	return times, nil
}

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
