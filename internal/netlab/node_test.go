//go:build linux

package netlab_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"convoy/fleet"
	"convoy/internal/netlab"
)

// The methods of process and scene that say "called with mu held" are for
// conditions of until and holds.

// option alters the configuration of a child.
type option func(*nodeConfig)

func withCookie(cookie string) option    { return func(c *nodeConfig) { c.Cookie = cookie } }
func withName(name string) option        { return func(c *nodeConfig) { c.Name = name } }
func withPoll(poll time.Duration) option { return func(c *nodeConfig) { c.Poll = poll } }

// node starts a child on a host, and waits until it listens.
func (s *scene) node(host *netlab.Host, options ...option) *process {
	s.Helper()
	p := s.begin(host, options...)
	s.ready(p)
	return p
}

// begin starts a child on a host and does not wait.
func (s *scene) begin(host *netlab.Host, options ...option) *process {
	s.Helper()
	addr := host.Addr().String()
	cfg := nodeConfig{
		Name:   "convoy@n" + addr[strings.LastIndex(addr, ":")+1:] + ".internal",
		Cookie: cookieA,
		Query:  query,
		Bind:   host.Addr(),
		Poll:   time.Second,
	}
	for _, o := range options {
		o(&cfg)
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		s.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	cmd := host.Command(s.Context(), exe)
	cmd.Env = append(os.Environ(), nodeVariable+"="+string(text))
	return s.launch(cfg.Name, host, cmd)
}

func (s *scene) ready(all ...*process) {
	s.Helper()
	s.until(deadline, "all listen", func() bool {
		return !slices.ContainsFunc(all, func(p *process) bool { return p.instance == "" })
	})
}

// cluster puts a child on each host, all of them in DNS, and waits until all know one another.
func (s *scene) cluster(options ...option) []*process {
	s.Helper()
	var all []*process
	for _, h := range s.lab.Hosts() {
		s.lab.DNS.Add(query, h.Addr())
		all = append(all, s.begin(h, options...))
	}
	s.ready(all...)
	took := s.whole(deadline, all...)
	s.Logf("%d nodes: whole %v after all listened", len(all), took.Round(time.Millisecond))
	return all
}

// members is what a process last said of them. It is called with mu held.
func (p *process) members() []fleet.Member {
	for _, e := range slices.Backward(p.events) {
		if e.Kind == "members" {
			return e.Members
		}
	}
	return nil
}

// sees is the state that p has another process in. It is called with mu held.
func (p *process) sees(other *process) fleet.MemberState {
	for _, m := range p.members() {
		if m.Instance == other.instance {
			return m.State
		}
	}
	return ""
}

// knows reports whether p has all these alive, and nobody else. It is called with mu held.
func (p *process) knows(all ...*process) bool {
	n := 0
	for _, m := range p.members() {
		if m.State == fleet.MemberAlive {
			n++
		}
	}
	return n == len(all) && !slices.ContainsFunc(all, func(o *process) bool { return p.sees(o) != fleet.MemberAlive })
}

// whole waits until each of these knows all of them, and nobody else.
func (s *scene) whole(limit time.Duration, all ...*process) time.Duration {
	s.Helper()
	return s.until(limit, "all know one another", func() bool {
		return !slices.ContainsFunc(all, func(p *process) bool { return !p.knows(all...) })
	})
}

// seen waits until all viewers have another one in a state.
func (s *scene) seen(limit time.Duration, state fleet.MemberState, other *process, viewers ...*process) time.Duration {
	s.Helper()
	return s.until(limit, other.name+" is seen "+string(state), func() bool {
		return !slices.ContainsFunc(viewers, func(p *process) bool { return p.sees(other) != state })
	})
}

const (
	// starvedTime is the least time between two ticks of a process that got no processor time.
	starvedTime = 500 * time.Millisecond
	// starvedFor is how long afterwards a node may still be taken for dead.
	starvedFor = 10 * time.Second
)

// lost describes the first time since a moment that a viewer had one of the others not alive, as its list or its log
// says, and not because a process was starved; "" if there was none. It is called with mu held.
func lost(since time.Time, viewers, others []*process) string {
	for _, p := range viewers {
		for _, e := range p.events {
			if e.Time.Before(since) {
				continue
			}
			for _, o := range others {
				if reason := loses(e, o.instance); reason != "" && o != p && !p.scene.starved(e.Time) {
					return fmt.Sprintf("%s at %s, %v after the start: %s %s (%s)", p.name, e.Time.Format("15:04:05.000"),
						e.Time.Sub(since).Round(time.Millisecond), reason, o.name, o.instance)
				}
			}
		}
	}
	return ""
}

// starved reports whether a process got no processor time then or shortly before. One that has not ticked since may be
// starved still. It is called with mu held.
func (s *scene) starved(at time.Time) bool {
	return slices.ContainsFunc(s.processes, func(p *process) bool {
		if p.runs() && !p.ticked.IsZero() && p.ticked.Before(at) {
			return true
		}
		return slices.ContainsFunc(p.events, func(e event) bool {
			return e.Kind == "starved" && e.Time.Add(-e.Took).Before(at) && at.Before(e.Time.Add(starvedFor))
		})
	})
}

func loses(e event, instance string) string {
	for _, m := range e.Members {
		if m.Instance == instance && m.State != fleet.MemberAlive {
			return "it lists as " + string(m.State)
		}
	}
	if e.Kind == "" && e.Instance == instance && (e.Message == "member unreachable" || e.Message == "member left") {
		return "its log says " + e.Message
	}
	return ""
}

// lines counts a process's log lines from a level with a text. It is called with mu held.
func (p *process) lines(level, text string) (n int) {
	for _, e := range p.events {
		if e.Kind == "" && strings.EqualFold(e.Level, level) && strings.Contains(e.Message, text) {
			n++
		}
	}
	return n
}

// requests counts what has reached the handler. It is called with mu held.
func (p *process) requests() (n int) {
	for _, e := range p.events {
		if e.Kind == "request" {
			n++
		}
	}
	return n
}

// order tells a child to do something, and waits for its answer.
func (p *process) order(o order) event {
	p.scene.Helper()
	id, err := p.give(o)
	if err != nil {
		p.scene.Fatalf("order to %s: %v", p.name, err)
	}
	answer, ok := p.reply(id, o.Limit+deadline)
	if !ok {
		p.scene.Fatalf("%s does not answer the order to %s %s\n%s", p.name, o.Do, o.Node, p.scene.report())
	}
	return answer
}

// give gives an order and returns its number.
func (p *process) give(o order) (int, error) {
	p.scene.mu.Lock()
	defer p.scene.mu.Unlock()
	p.scene.orders++
	o.ID = p.scene.orders
	line, err := json.Marshal(o)
	if err == nil {
		_, err = p.stdin.Write(append(line, '\n'))
	}
	return o.ID, err
}

// reply waits for the answer to an order.
func (p *process) reply(id int, limit time.Duration) (answer event, ok bool) {
	ok = p.scene.await(limit, func() bool {
		for _, e := range slices.Backward(p.events) {
			if e.Kind == "answer" && e.ID == id {
				answer = e
				return true
			}
		}
		return p.status != nil
	})
	return answer, ok && answer.ID == id
}
