package railway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Khan/genqlient/graphql"
)

const (
	logBatch      = 500 // lines per request; Railway's limit is 5000
	logLineBytes  = 8 << 10
	logRetryFirst = 2 * time.Second
	logRetryLast  = time.Minute
)

// Line is a line of a build or deploy log.
type Line struct {
	Time    time.Time
	Level   slog.Level
	Message string
	Build   bool // from the build, not the node
}

// Tail follows the logs of a node's deployments: the build's, then the node's, until ctx ends, the loop ends, or the
// service is gone. Lines arrive in order and once, even after an interruption. After a deployment it waits for the next
// one, which costs no calls. The only error is that the node does not exist.
func (p *Provider) Tail(ctx context.Context, name string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		label, err := p.labelOf(name)
		if err == nil {
			err = p.waitDeployed(ctx, label)
		}
		if err != nil {
			if ctx.Err() == nil {
				yield(Line{}, fmt.Errorf("logs of %s: %w", name, err))
			}
			return
		}
		var at cursor
		for ctx.Err() == nil {
			id, ok := p.deploymentOf(label)
			if !ok {
				return
			}
			if at.deployment != id {
				at = cursor{deployment: id, build: true}
			}
			r := &reader{p: p, label: label, at: at, yield: yield}
			if !r.read(ctx) {
				return
			}
			at = r.at
			if next, _ := p.deploymentOf(label); next == id && !p.waitReplaced(ctx, label, id) {
				return // it is over, and there is no other
			}
		}
	}
}

// waitDeployed waits until the node has a deployment.
func (p *Provider) waitDeployed(ctx context.Context, label string) error {
	known := true
	met := p.waitUntil(ctx, func() bool {
		s := p.find(label)
		known = s != nil || p.jobs[label] != nil
		return !known || s != nil && s.latest != nil
	})
	switch {
	case !met:
		return context.Cause(ctx)
	case !known:
		return ErrUnknown
	}
	return nil
}

// waitReplaced waits until the node has another deployment, and reports whether it got one.
func (p *Provider) waitReplaced(ctx context.Context, label, id string) (replaced bool) {
	p.waitUntil(ctx, func() bool {
		s := p.find(label)
		gone := s == nil || s.latest == nil
		replaced = !gone && s.latest.id != id
		return gone || replaced
	})
	return replaced
}

func (p *Provider) deploymentOf(label string) (id string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.find(label); s != nil && s.latest != nil {
		return s.latest.id, true
	}
	return "", false
}

// cursor is a position in the logs of a deployment: after the n-th line of that time.
type cursor struct {
	deployment string
	build      bool
	time       time.Time
	n          int
}

// advance returns the lines of a batch after the cursor, and moves the cursor past them. The batch may begin anywhere.
func (c *cursor) advance(batch []logFields) []Line {
	var lines []Line
	seen := map[time.Time]int{}
	parsed := make([]Line, 0, len(batch))
	for _, f := range batch {
		at, err := time.Parse(time.RFC3339Nano, f.Timestamp)
		if err != nil {
			at = c.time // it stays in place
		}
		l := Line{Time: at.UTC(), Level: level(f.Severity), Message: truncateLine(f.Message), Build: c.build}
		parsed = append(parsed, l)
	}
	slices.SortStableFunc(parsed, func(a, b Line) int { return a.Time.Compare(b.Time) })
	for _, l := range parsed {
		seen[l.Time]++
		n := seen[l.Time]
		if l.Time.Before(c.time) || (l.Time.Equal(c.time) && n <= c.n) {
			continue
		}
		c.time, c.n = l.Time, n
		lines = append(lines, l)
	}
	return lines
}

// level maps Railway's severities to levels.
func level(severity string) slog.Level {
	switch s := strings.ToLower(severity); {
	case strings.HasPrefix(s, "deb"), strings.HasPrefix(s, "trace"):
		return slog.LevelDebug
	case strings.HasPrefix(s, "warn"):
		return slog.LevelWarn
	case strings.HasPrefix(s, "err"),
		strings.HasPrefix(s, "crit"),
		strings.HasPrefix(s, "fatal"),
		strings.HasPrefix(s, "emerg"),
		strings.HasPrefix(s, "alert"):
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

func truncateLine(text string) string {
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), "\r\n")
	if len(text) > logLineBytes {
		return strings.ToValidUTF8(text[:logLineBytes], "") + "…"
	}
	return text
}

// reader reads both logs of a deployment.
type reader struct {
	p     *Provider
	label string
	at    cursor
	yield func(Line, error) bool
}

// read reads both logs to their ends. It returns false if the loop has ended.
func (r *reader) read(ctx context.Context) bool {
	if r.at.build {
		if !r.part(ctx, func(d *deployment) bool { return d.phase() != progress || d.status == "DEPLOYING" }) {
			return false
		}
		r.at = cursor{deployment: r.at.deployment}
	}
	return r.part(
		ctx, func(d *deployment) bool { return d.phase() == failed || d.phase() == removed || d.phase() == stopped },
	)
}

// part follows one log until over reports its end, then fetches the remaining lines.
func (r *reader) part(ctx context.Context, over func(*deployment) bool) bool {
	delay := logRetryFirst
	for ctx.Err() == nil {
		ended, stop := r.until(ctx, over)
		more, err := true, error(nil)
		if ended.Err() == nil {
			more, err = r.follow(ended)
		}
		finished := ended.Err() != nil
		stop()
		switch {
		case !more || ctx.Err() != nil:
			return false
		case finished:
			return r.rest(ctx)
		case err == nil:
			delay = logRetryFirst // the server ended it
		case noSocket(err) && !r.rest(ctx):
			return false
		}
		r.p.log.Debug("log stream ended", "node", r.p.NodeName(r.label), "err", err)
		pause, stop := r.until(ctx, over)
		sleep(pause, delay)
		stop()
		delay = min(2*delay, logRetryLast)
	}
	return false
}

// noSocket reports whether no socket could be opened, so that lines must be queried.
func noSocket(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Operation == socketOperation
}

// until returns a context that ends when over is true, or another deployment has replaced this one.
func (r *reader) until(ctx context.Context, over func(*deployment) bool) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	reached := func() bool {
		s := r.p.find(r.label)
		return s == nil || s.latest == nil || s.latest.id != r.at.deployment || over(s.latest)
	}
	r.p.mu.Lock()
	if reached() {
		cancel()
	}
	r.p.mu.Unlock()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if r.p.waitUntil(ctx, reached) {
			cancel()
		}
	})
	return ctx, func() { cancel(); waiting.Wait() }
}

// follow reads one log from its own socket until that or ctx ends. more is false when the loop has ended.
func (r *reader) follow(ctx context.Context) (more bool, err error) {
	socket, err := r.p.client.dial(ctx)
	if err != nil {
		return true, err
	}
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan []logFields)
	var reading sync.WaitGroup
	var ended error
	reading.Go(func() {
		ended = socket.run(ctx)
		cancel()
	})
	defer func() {
		cancel()
		socket.close()
		reading.Wait()
		err = errors.Join(err, ended)
	}()
	_, subscribed := socket.subscribe(ctx, r.request(ctx), func(payload json.RawMessage, end error) {
		if end != nil {
			cancel() // the only subscription has ended
			return
		}
		select {
		case batches <- r.batch(payload):
		case <-ctx.Done():
		}
	})
	if subscribed != nil {
		return true, subscribed
	}
	for {
		select {
		case batch := <-batches:
			if !r.emit(batch) {
				return false, nil
			}
		case <-ctx.Done():
			return true, nil
		}
	}
}

func (r *reader) request(ctx context.Context) *graphql.Request {
	var d requestCapture
	if r.at.build {
		followBuildLog(ctx, &d, r.at.deployment, logBatch) //nolint:errcheck // it only captures the request
	} else {
		followDeployLog(ctx, &d, r.at.deployment, logBatch) //nolint:errcheck // it only captures the request
	}
	return d.request
}

// batch decodes a payload; an invalid one has no lines.
func (r *reader) batch(payload json.RawMessage) []logFields {
	if r.at.build {
		var data followBuildLogResponse
		if r.p.client.payloadOf(payload, &data) == nil {
			return data.BuildLogs
		}
		return nil
	}
	var data followDeployLogResponse
	if r.p.client.payloadOf(payload, &data) == nil {
		return data.DeploymentLogs
	}
	return nil
}

// rest queries the lines that no socket has delivered.
func (r *reader) rest(ctx context.Context) bool {
	if r.at.build {
		if answer, err := buildLog(ctx, r.p.client, r.at.deployment, logBatch); err == nil {
			return r.emit(answer.BuildLogs)
		}
		return ctx.Err() == nil
	}
	if answer, err := deployLog(ctx, r.p.client, r.at.deployment, logBatch); err == nil {
		return r.emit(answer.DeploymentLogs)
	}
	return ctx.Err() == nil
}

// emit yields lines, and returns false if the loop has ended.
func (r *reader) emit(batch []logFields) bool {
	for _, line := range r.at.advance(batch) {
		line.Message = r.p.client.redact(line.Message)
		if !r.yield(line, nil) {
			return false
		}
	}
	return true
}
