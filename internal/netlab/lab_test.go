//go:build linux

package netlab_test

import (
	"sync"
	"testing"
	"time"

	"convoy/internal/netlab"
)

// TestLab checks the lab itself: what is said to pass passes, and what is not does not.
func TestLab(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, 3)
	a, b, c := lab.Host(0), lab.Host(1), lab.Host(2)
	for _, step := range []struct {
		name   string
		alter  func()
		passes bool // from a to b
	}{
		{"nothing wrong", func() {}, true},
		{"partition", func() { lab.Partition([]*netlab.Host{a}, []*netlab.Host{b, c}) }, false},
		{"healed", lab.Heal, true},
		{"cut", func() { lab.Cut(b, a) }, false},
		{"healed", lab.Heal, true},
		{"another cut", func() { lab.Cut(a, c) }, true},
		{"cut one way", func() { lab.CutOneWay(b, a) }, false},
		{"healed", lab.Heal, true},
		{"unplugged", func() { lab.Unplug(b) }, false},
		{"plugged", func() { lab.Plug(b) }, true},
		{"all lost", func() { lab.Loss(100) }, false},
		{"UDP blocked", func() { lab.Loss(0); lab.BlockUDP() }, false},
		{"healed", lab.Heal, true},
		{"delayed", func() { lab.Delay(b, 100*time.Millisecond) }, true},
		{"healed", lab.Heal, true},
	} {
		step.alter()
		trip, err := ping(a, b, step.passes)
		if (err == nil) != step.passes {
			t.Errorf("%s: a packet and its answer: %v, %v", step.name, trip, err)
		}
		const both = 200 * time.Millisecond // ways
		delayed := step.name == "delayed"
		for range 50 {
			if err != nil || delayed || trip < both { // once is enough: the machine may be busy
				break
			}
			trip, err = ping(a, b, step.passes)
		}
		if err == nil && delayed != (trip >= both) {
			t.Errorf("%s: a round trip takes %v", step.name, trip)
		}
	}
}

// ping sends UDP packets until one is answered, and returns the round trip of that one. It gives up after most of a
// second, or much later if an answer is expected.
func ping(from, to *netlab.Host, expected bool) (time.Duration, error) {
	server, err := to.ListenPacket(0)
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	defer group.Wait()
	defer server.Close()
	group.Go(func() {
		b := make([]byte, 1)
		for {
			_, back, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			server.WriteTo(b, back) //nolint:errcheck // that is the question
		}
	})
	conn, err := from.ListenPacket(0)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	tries := byte(3)
	if expected {
		tries = 255
	}
	for number := range tries {
		sent := time.Now()
		if _, err := conn.WriteTo([]byte{number}, server.LocalAddr()); err != nil {
			return 0, err
		}
		conn.SetReadDeadline(sent.Add(300 * time.Millisecond)) //nolint:errcheck // the socket is open
		b := []byte{0xff}
		for err = nil; err == nil && b[0] != number; { // an earlier one may be late
			_, _, err = conn.ReadFrom(b)
		}
		if err == nil {
			return time.Since(sent), nil
		}
	}
	return 0, err
}
