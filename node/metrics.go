package node

import (
	"convoy/metrics"
	"convoy/stats"
	"convoy/version"
)

// metricSources returns the sources of /metrics.
func (n *node) metricSources() metrics.Sources {
	return metrics.Sources{
		Version: version.String(),
		Nodes: func() map[string]int {
			by := map[string]int{}
			for _, one := range n.fleet.List() {
				by[string(one.Status)]++
			}
			return by
		},
		Members: func() map[string]int {
			by := map[string]int{}
			for _, one := range n.cluster.Members() {
				by[string(one.State)]++
			}
			return by
		},
		Shells: func() (running, ended int) {
			for _, one := range n.shells.List() {
				if one.Running {
					running++
				} else {
					ended++
				}
			}
			return running, ended
		},
		Doing: func() map[string]int {
			by := map[string]int{}
			for _, one := range n.shells.List() {
				if one.Running {
					by[string(one.State.Doing)]++
				}
			}
			return by
		},
		Output: func() (bytes int64) {
			for _, one := range n.shells.List() {
				bytes += one.End
			}
			return bytes
		},
		Streams: func() int { return n.handlers.Streams() },
		Stats: func() (values, limits map[string]float64) {
			values, most := n.stats.Latest()
			return values, map[string]float64{"cpu": most.CPU, "memory": most.Memory, "disk": most.Disk}
		},
		Lines: n.ring.Next,
	}
}

// newStats returns the sampler of this node and its shells.
func (n *node) newStats() *stats.Sampler {
	return stats.New(stats.Config{
		Dir:    n.cfg.Data,
		Shared: n.cfg.Spawned || n.cfg.Provider == "local",
		Shells: func() (list []stats.Shell) {
			for _, s := range n.shells.Processes() {
				list = append(list, stats.Shell(s))
			}
			return list
		},
	})
}
