//go:build linux

package netlab

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	frameBytes = 2048
	inFlight   = 1 << 14 // frames that are delayed; like a real link, it drops more
)

// link forwards Ethernet frames between two taps, and delays each.
type link struct {
	ends  [2]*os.File
	group sync.WaitGroup
}

// delay puts a link between the host's cable and the hub: cable - bridge - tap - link - tap.
func (h *Host) delay(late time.Duration) error {
	hub, in, out, bridge := h.lab.hub, h.cable+"-in", h.cable+"-out", h.cable+"-br"
	if h.link != nil {
		h.link.close() // its taps go with it
		h.link = nil
		if err := hub.ip(append([]string{"link del " + bridge}, h.reached(h.cable)...)...); err != nil {
			return err
		}
	}
	if late > 0 {
		l, err := newLink(hub, in, out)
		if err != nil {
			return err
		}
		h.link = l
		lines := []string{
			fmt.Sprintf("link set %s mtu %d", in, mtuBytes), fmt.Sprintf("link set %s mtu %d", out, mtuBytes),
			fmt.Sprintf("link add %s mtu %d type bridge mcast_snooping 0 forward_delay 0", bridge, mtuBytes),
			"addr flush dev " + h.cable,
			fmt.Sprintf("link set %s master %s up", h.cable, bridge), fmt.Sprintf("link set %s master %s up", in, bridge),
			"link set " + bridge + " up",
		}
		if err := hub.ip(append(lines, h.reached(out)...)...); err != nil {
			return err
		}
		l.forward(0, 1, late)
		l.forward(1, 0, late)
	}
	return h.space.ip("neigh flush dev eth0") // the gateway has another hardware address now
}

func newLink(hub space, in, out string) (*link, error) {
	l := &link{}
	err := hub.inside(func() (err error) {
		if l.ends[0], err = tap(in); err == nil {
			l.ends[1], err = tap(out)
		}
		return err
	})
	return l, err
}

// tap makes an Ethernet device whose other end is the file. Closing the file removes it.
func tap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a tap: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make tap %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// forward begins to forward frames from one end to the other, each so much later.
func (l *link) forward(from, to int, late time.Duration) {
	type delayed struct {
		due   time.Time
		frame []byte
	}
	line := make(chan delayed, inFlight)
	l.group.Go(func() {
		defer close(line)
		for {
			frame := make([]byte, frameBytes)
			n, err := l.ends[from].Read(frame)
			if errors.Is(err, os.ErrClosed) {
				return
			} else if err != nil {
				continue // the device is not up yet
			}
			select {
			case line <- delayed{time.Now().Add(late), frame[:n]}:
			default:
			}
		}
	})
	l.group.Go(func() {
		closed := false
		for one := range line {
			if closed {
				continue // the rest is dropped
			}
			time.Sleep(time.Until(one.due))
			_, err := l.ends[to].Write(one.frame)
			closed = errors.Is(err, os.ErrClosed)
		}
	})
}

func (l *link) close() {
	for _, end := range l.ends {
		end.Close()
	}
	l.group.Wait()
}
