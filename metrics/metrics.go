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
	// Stats are the newest statistics of the node, and its limits, by the names of docs/protocol.md.
	Stats func() (values, limits map[string]float64)
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
	used    = map[string]*prometheus.Desc{
		"cpu":         gaugeDesc("convoy_cpu_cores", "Cores that the machine or container uses."),
		"memory":      gaugeDesc("convoy_memory_bytes", "Memory that the machine or container uses."),
		"load":        gaugeDesc("convoy_load1", "Load of the machine, average of a minute."),
		"disk":        gaugeDesc("convoy_disk_bytes", "Bytes in use on the node's file system."),
		"disk_read":   gaugeDesc("convoy_disk_read_bytes_per_second", "Bytes read from devices a second."),
		"disk_write":  gaugeDesc("convoy_disk_write_bytes_per_second", "Bytes written to devices a second."),
		"net_in":      gaugeDesc("convoy_network_receive_bytes_per_second", "Bytes received a second, without loopback."),
		"net_out":     gaugeDesc("convoy_network_transmit_bytes_per_second", "Bytes sent a second, without loopback."),
		"node_cpu":    gaugeDesc("convoy_node_cpu_cores", "Cores that the node's process and its shells use."),
		"node_memory": gaugeDesc("convoy_node_memory_bytes", "Resident memory of the node's process and its shells."),
	}
	most = map[string]*prometheus.Desc{
		"cpu":    gaugeDesc("convoy_cpu_limit_cores", "Cores that can be used."),
		"memory": gaugeDesc("convoy_memory_limit_bytes", "Memory that can be used."),
		"disk":   gaugeDesc("convoy_disk_size_bytes", "Size of the node's file system."),
	}
	lines = prometheus.NewDesc("convoy_log_lines_total", "Lines logged since the node started.", nil, nil)
)

func gaugeDesc(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }

// collector calls the sources when Prometheus scrapes.
type collector struct{ Sources }

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{build, nodes, members, shells, doing, output, streams, lines} {
		to <- d
	}
	for _, all := range []map[string]*prometheus.Desc{used, most} {
		for _, d := range all {
			to <- d
		}
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
	values, limits := c.Stats()
	known := func(all map[string]*prometheus.Desc, values map[string]float64) {
		for name, d := range all {
			if v, ok := values[name]; ok {
				to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
			}
		}
	}
	known(used, values)
	known(most, limits)
}
