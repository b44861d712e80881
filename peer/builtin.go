package peer

import (
	"context"
	"net/netip"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"

	"convoy/fleet"
)

// Report is the result of node.info: a node's view of itself and the other members.
type Report struct {
	Name       string         `json:"name"`
	Instance   string         `json:"instance"`
	Version    string         `json:"version"`
	Go         string         `json:"go"`
	Platform   string         `json:"platform"`
	Control    bool           `json:"control_plane"`
	Gossip     netip.AddrPort `json:"gossip"`
	Calls      netip.AddrPort `json:"calls"`
	Started    time.Time      `json:"started"`
	Uptime     float64        `json:"uptime"` // seconds
	Goroutines int            `json:"goroutines"`
	Memory     uint64         `json:"memory"` // bytes held by the runtime
	CPUs       int            `json:"cpus"`
	CPUTime    float64        `json:"cpu_seconds"` // user and system, since the start
	Members    []memberReport `json:"members"`
	DNS        Lookup         `json:"dns"` // the last lookup
}

// memberReport is one member as the reporting node sees it.
type memberReport struct {
	Name     string            `json:"name"`
	Instance string            `json:"instance"`
	Addr     netip.AddrPort    `json:"addr"`
	Called   time.Time         `json:"called"` // last successful call; zero: none recently
	State    fleet.MemberState `json:"state"`
	Seen     time.Time         `json:"seen"`
	Error    string            `json:"error,omitempty"` // why it cannot be called from there
}

// registerBuiltins registers the functions that every node has.
func (c *Cluster) registerBuiltins() {
	c.Register("node.self", noArgs(func() any { return c.self.Name }))
	c.Register("node.list", noArgs(func() any { return c.others() }))
	c.Register("node.info", noArgs(func() any { return c.report() }))
	c.Register("node.ping", noArgs(func() any { return "pong" }))
	c.Register("rpc.functions", noArgs(func() any { return c.functions.names() }))
}

func noArgs(f func() any) Func {
	return func(_ context.Context, args Args) (any, error) {
		if err := args.Scan(); err != nil {
			return nil, err
		}
		return f(), nil
	}
}

// others returns the names of the other living nodes, sorted.
func (c *Cluster) others() []string {
	names := slices.DeleteFunc(c.names(), func(name string) bool { return name == c.self.Name })
	slices.Sort(names)
	return append([]string{}, names...)
}

func (c *Cluster) report() Report {
	return Report{
		Name: c.self.Name, Instance: c.self.Instance, Version: c.cfg.Version,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Control: c.cfg.Control,
		Gossip:  netip.AddrPortFrom(c.cfg.Bind, c.gossipPort),
		Calls:   netip.AddrPortFrom(c.cfg.Bind, c.server.port),
		Started: c.started, Uptime: time.Since(c.started).Seconds(),
		Goroutines: runtime.NumGoroutine(), Memory: memoryBytes(),
		CPUs: runtime.NumCPU(), CPUTime: cpuTime().Seconds(),
		Members: c.memberReports(), DNS: c.poll.lastLookup(),
	}
}

func (c *Cluster) memberReports() []memberReport {
	members := c.roster.list()
	seen := make([]memberReport, len(members))
	for i, m := range members {
		seen[i] = memberReport{
			Name:     m.Name,
			Instance: m.Instance,
			Addr:     m.Addr,
			Called:   c.roster.calledAt(m.Instance),
			State:    m.State,
			Seen:     m.Seen,
		}
		if err := c.CallError(m.Instance); err != nil {
			seen[i].Error = err.Error()
		}
	}
	return seen
}

// memoryBytes is the memory that the runtime holds. Unlike runtime.ReadMemStats, it does not stop the world.
func memoryBytes() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
