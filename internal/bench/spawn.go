package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"convoy/internal/bench/stats"
	"convoy/internal/client"
)

// measureSpawn spawns nodes on this machine as the page does, one after the other, and retires them.
func measureSpawn(ctx context.Context, b *bench) error {
	viewer := b.convoy.client(b.convoy.base)
	defer viewer.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	stream, err := viewer.Stream(ctx, url.Values{"want": {"nodes"}})
	if err != nil {
		return err
	}
	defer stream.Close()
	var alive, usable, gone []float64
	for round := range b.rounds {
		s := spawning{viewer: viewer, stream: stream}
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		alive, usable, gone = append(alive, millis(s.alive)), append(usable, millis(s.usable)), append(gone, millis(s.gone))
	}
	for _, one := range []struct {
		what   string
		values []float64
	}{{"alive", alive}, {"shell usable", usable}, {"retired", gone}} {
		b.report.add("spawn", wayCP, one.what, unitMillis, stats.Median(one.values))
		b.report.add("spawn", wayCP, one.what+", worst", unitMillis, stats.Percentile(one.values, 100))
	}
	return nil
}

// spawning is one node's way from the click until it is gone. The times are since the click, and since its retirement.
type spawning struct {
	viewer              *client.Client
	stream              *client.Stream
	alive, usable, gone time.Duration
}

func (s *spawning) run(ctx context.Context) error {
	clicked := time.Now()
	node, err := spawn(ctx, s.viewer, s.stream)
	if err != nil {
		return err
	}
	s.alive = time.Since(clicked)
	if err := s.openShell(ctx, node.Name); err != nil {
		return fmt.Errorf("shell of %s: %w", node.Name, err)
	}
	s.usable = time.Since(clicked)
	clicked = time.Now()
	if err := s.viewer.Retire(ctx, node.Name); err != nil {
		return err
	}
	err = untilNodes(s.stream, func(list []client.Node) (bool, error) {
		for _, n := range list {
			if n.Name == node.Name {
				return false, nil
			}
		}
		return true, nil
	})
	s.gone = time.Since(clicked)
	return err
}

// openShell opens the node's shell, has the stream follow it, and waits for the prompt.
func (s *spawning) openShell(ctx context.Context, node string) error {
	var shell client.Shell
	if err := s.viewer.Do(
		ctx, http.MethodPost, "/nodes/"+url.PathEscape(node)+"/shells", []byte(`{"rows":24,"cols":80,"first":true}`), &shell,
	); err != nil {
		return err
	}
	path := fmt.Sprintf("/streams/%s/shells/%s/%s?from=0", s.stream.ID, url.PathEscape(node), shell.ID)
	if err := s.viewer.Do(ctx, http.MethodPost, path, nil, nil); err != nil {
		return err
	}
	var seen []byte
	for {
		e, err := s.stream.Next()
		if err != nil {
			return err
		}
		switch e.Name {
		case "output":
			o, err := client.ParseOutput(e)
			if err != nil {
				return err
			}
			if seen = append(seen, o.Bytes...); bytes.Contains(seen, []byte(prompt)) {
				return nil
			}
		case "gone", "exit":
			return errors.New(e.Name + ": " + string(e.Data))
		}
	}
}
