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
	lineFrames = 1 << 14 // on their way; a real line drops too when it is full
)

// courier carries Ethernet frames between two taps, each frame late.
type courier struct {
	ends  [2]*os.File
	group sync.WaitGroup
}

// delay puts a courier between the host's cable and the hub:
// cable - bridge - tap ~ courier ~ tap.
func (h *Host) delay(late time.Duration) error {
	hub, in, out, bridge := h.lab.hub, h.cable+"-in", h.cable+"-out", h.cable+"-br"
	if h.courier != nil {
		h.courier.close() // its taps go with it
		h.courier = nil
		if err := hub.ip(append([]string{"link del " + bridge}, h.reached(h.cable)...)...); err != nil {
			return err
		}
	}
	if late > 0 {
		c, err := newCourier(hub, in, out)
		if err != nil {
			return err
		}
		h.courier = c
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
		c.carry(0, 1, late)
		c.carry(1, 0, late)
	}
	return h.space.ip("neigh flush dev eth0") // the gateway has another hardware address now
}

func newCourier(hub space, in, out string) (*courier, error) {
	c := &courier{}
	err := hub.inside(func() (err error) {
		if c.ends[0], err = tap(in); err == nil {
			c.ends[1], err = tap(out)
		}
		return err
	})
	return c, err
}

// tap makes an Ethernet device whose other end is the file. It goes when the file is closed.
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

// carry begins to bring frames from one end to the other.
func (c *courier) carry(from, to int, late time.Duration) {
	type load struct {
		due   time.Time
		frame []byte
	}
	line := make(chan load, lineFrames)
	c.group.Go(func() {
		defer close(line)
		for {
			frame := make([]byte, frameBytes)
			n, err := c.ends[from].Read(frame)
			if errors.Is(err, os.ErrClosed) {
				return
			} else if err != nil {
				continue // the device is not up yet
			}
			select {
			case line <- load{time.Now().Add(late), frame[:n]}:
			default:
			}
		}
	})
	c.group.Go(func() {
		closed := false
		for l := range line {
			if closed {
				continue // what is left has nowhere to go
			}
			time.Sleep(time.Until(l.due))
			_, err := c.ends[to].Write(l.frame)
			closed = errors.Is(err, os.ErrClosed)
		}
	})
}

func (c *courier) close() {
	for _, end := range c.ends {
		end.Close()
	}
	c.group.Wait()
}
