// Package metrics serves a node's metrics in Prometheus format. docs/protocol.md lists them.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Sources are the functions that return a node's metrics. They are called from any goroutine.
type Sources struct {
	Version string
	Nodes   func() map[string]int // by status
	Members func() map[string]int // by state, as this node sees them
	Shells  func() (running, ended int)
	Doing   func() map[string]int // running shells by what they do
	Output  func() int64          // bytes printed by the shells that exist now
	Streams func() int
	Lines   func() int64 // lines logged since the start
}

// Handler serves the current metrics, including those of the Go runtime and of the process.
func Handler(f Sources) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector{f},
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

var (
	build   = prometheus.NewDesc("convoy_build_info", "Always 1; the label has the version.", []string{"version"}, nil)
	nodes   = prometheus.NewDesc("convoy_nodes", "Nodes on this node's list, by status.", []string{"status"}, nil)
	members = prometheus.NewDesc("convoy_members", "Instances of the cluster as this node sees them, by state.",
		[]string{"state"}, nil)
	shells = prometheus.NewDesc("convoy_shells", "Shells on this node, by state.", []string{"state"}, nil)
	doing  = prometheus.NewDesc("convoy_shells_doing", "Running shells on this node, by what they do.",
		[]string{"doing"}, nil)
	output = prometheus.NewDesc("convoy_shell_output_bytes", "Bytes printed by the shells that are on this node now.",
		nil, nil)
	streams = prometheus.NewDesc("convoy_streams", "Open event streams.", nil, nil)
	lines   = prometheus.NewDesc("convoy_log_lines_total", "Lines logged since the node started.", nil, nil)
)

// collector calls the sources when Prometheus scrapes.
type collector struct{ Sources }

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{build, nodes, members, shells, doing, output, streams, lines} {
		to <- d
	}
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	gauge(build, 1, c.Version)
	for status, n := range c.Nodes() {
		gauge(nodes, int64(n), status)
	}
	for state, n := range c.Members() {
		gauge(members, int64(n), state)
	}
	running, ended := c.Shells()
	gauge(shells, int64(running), "running")
	gauge(shells, int64(ended), "ended")
	for what, n := range c.Doing() {
		gauge(doing, int64(n), what)
	}
	gauge(output, c.Output())
	gauge(streams, int64(c.Streams()))
	to <- prometheus.MustNewConstMetric(lines, prometheus.CounterValue, float64(c.Lines()))
}
