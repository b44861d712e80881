package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"convoy/internal/bench/stats"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

const (
	moreShells = 40
	moreView   = 50
	moreConvoy = 8 // Convoy shells
	settleWait = 500 * time.Millisecond
)

// measureMemory looks at a fresh control plane, and adds shells, then viewers.
func measureMemory(ctx context.Context, b *bench) error {
	c, err := b.place.start(ctx, b.binary)
	if err != nil {
		return err
	}
	defer c.stop()
	m := &memory{b: b, c: c, viewer: c.client(c.base), pid: c.pid()}
	defer m.viewer.Close()
	if _, ok := ownMemory(m.pid); !ok {
		b.report.note("memory: this system does not tell")
		return nil
	}
	for _, step := range []func(context.Context) error{m.shells, m.viewers, m.convoyShells} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type memory struct {
	b      *bench
	c      *convoy
	viewer *client.Client
	pid    int
	shell  client.Shell // one of those that were added
}

// shells opens shells that nobody looks at.
func (m *memory) shells(ctx context.Context) error {
	return m.added(ctx, wayShell, moreShells, func() (err error) {
		m.shell, err = m.viewer.Open(ctx, m.c.name)
		return err
	})
}

// viewers has many look at one shell.
func (m *memory) viewers(ctx context.Context) error {
	var streams []*client.Stream
	defer func() {
		for _, s := range streams {
			s.Close()
		}
	}()
	return m.added(ctx, wayView, moreView, func() error {
		s, err := m.c.client(m.c.base).Stream(ctx, url.Values{"want": {"none"}, "shell": {m.shell.Key()}})
		if err != nil {
			return err
		}
		streams = append(streams, s)
		for {
			e, err := s.Next()
			if err != nil || e.Name == "output" {
				return err
			}
		}
	})
}

// convoyShells opens Convoy shells, and adds up what the two processes of each, prompt and sandbox, do not share.
func (m *memory) convoyShells(ctx context.Context) error {
	var shells []client.Shell
	for range moreConvoy {
		s, err := m.convoyShell(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", wayConvoyShell, err)
		}
		shells = append(shells, s)
	}
	if err := pause(ctx, settleWait); err != nil {
		return err
	}
	var own []float64
	for _, s := range shells {
		sum, _ := ownMemory(s.PID)
		for _, child := range testkit.Children(s.PID) {
			one, _ := ownMemory(child)
			sum += one
		}
		own = append(own, sum/1024)
	}
	m.b.report.add("memory", wayConvoyShell, "adds", unitKiB, stats.Median(own))
	m.b.report.add("memory", wayConvoyShell, "measured with", "", moreConvoy)
	return nil
}

// convoyShell opens a Convoy shell that has evaluated something.
func (m *memory) convoyShell(ctx context.Context) (s client.Shell, err error) {
	if s, err = m.viewer.OpenKind(ctx, m.c.name, "convoy"); err != nil {
		return s, err
	}
	terminal, err := m.viewer.Attach(ctx, s, -1)
	if err != nil {
		return s, err
	}
	defer terminal.Close()
	return s, errors.Join(terminal.Type(ctx, "6 * 7\r"), terminal.WaitFor(ctx, "(2)> "))
}

// added is what n times one more adds to the control plane's memory, each.
func (m *memory) added(ctx context.Context, name string, n int, one func() error) error {
	before, _ := ownMemory(m.pid)
	for i := range n {
		if err := one(); err != nil {
			return fmt.Errorf("%s, number %d: %w", name, i, err)
		}
	}
	if err := pause(ctx, settleWait); err != nil {
		return err
	}
	after, _ := ownMemory(m.pid)
	m.b.report.add("memory", name, "adds", unitKiB, (after-before)/1024/float64(n))
	m.b.report.add("memory", name, "measured with", "", float64(n))
	return nil
}

// pause lets time go by; an error ends it.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
