package handlers

import (
	"cmp"
	"slices"
	"time"

	"convoy/handlers/chart"
	"convoy/stats"
	"convoy/templates"
)

// shellLines is how many shells a chart shows: those that used most.
const shellLines = 8

// nodeCharts are the charts of a node and its shells.
func nodeCharts(r stats.Report, span time.Duration, shells []templates.Shell) []templates.Chart {
	line := func(name, series string, look int) chart.Line {
		return chart.Line{Name: name, Values: r.Series[series], Hue: look, Dash: look % 3}
	}
	peak := func(series string) chart.Line {
		return chart.Line{Name: "Peak", Values: r.Series[series], Hue: 3, Dash: 1, Peak: true}
	}
	about := "Machine"
	if r.Scope == "container" {
		about = "Container"
	}
	draw := func(id, title string, unit chart.Unit, limit float64, lines ...chart.Line) templates.Chart {
		return chart.New(chart.Options{
			ID: id, Title: title, Unit: unit, Limit: limit, Span: span, Step: time.Duration(r.Step) * time.Second, Lines: lines,
			Each: "Shell", Missing: missing(r, id),
		})
	}
	cpu := []chart.Line{line(about, "cpu", 0), line("Node and its shells", "node_cpu", 1), line("Node", "process_cpu", 2)}
	memory := []chart.Line{
		line(about, "memory", 0), line("Node and its shells", "node_memory", 1), line("Node", "process_memory", 2),
	}
	if r.Step > int(stats.Tick.Seconds()) {
		cpu = append(cpu, peak("cpu_peak"))
		memory = append(memory, peak("memory_peak"))
	}
	charts := []templates.Chart{
		draw("cpu", "CPU", chart.Cores, r.Limits.CPU, cpu...),
		draw("memory", "Memory", chart.Bytes, r.Limits.Memory, memory...),
	}
	if len(r.Shells) > 0 {
		charts = append(charts,
			draw("shell-cpu", "CPU of shells", chart.Cores, 0, shellsOf(r, "cpu", shells)...),
			draw("shell-memory", "Memory of shells", chart.Bytes, 0, shellsOf(r, "memory", shells)...),
		)
	}
	return append(charts,
		draw("net_in", "Network", chart.Rate, 0, line("Received", "net_in", 0), line("Sent", "net_out", 4)),
		draw("disk_read", "Disk transfers", chart.Rate, 0, line("Read", "disk_read", 0), line("Written", "disk_write", 4)),
		draw("disk", "Disk space", chart.Bytes, r.Limits.Disk, line("In use", "disk", 0)),
		draw("load", "Load", chart.Number, 0, line("Average of a minute", "load", 0)),
	)
}

// missing is why a chart has no values, empty if it may have some. The chart has the name of its first series.
func missing(r stats.Report, series string) string {
	if why := r.Unknown[series]; why != "" {
		return "Not known here: " + why + "."
	}
	return ""
}

// shellsOf are the lines of the shells that used most in a series.
func shellsOf(r stats.Report, series string, shells []templates.Shell) (lines []chart.Line) {
	for id, all := range r.Shells {
		name := id
		if i := slices.IndexFunc(shells, func(s templates.Shell) bool { return s.ID == id }); i >= 0 {
			name = shells[i].Label()
		}
		lines = append(lines, chart.Line{Name: name, Values: all[series], Link: id})
	}
	slices.SortFunc(lines, func(a, b chart.Line) int {
		return cmp.Or(cmp.Compare(b.Values.Max(), a.Values.Max()), cmp.Compare(a.Link, b.Link))
	})
	lines = lines[:min(len(lines), shellLines)]
	for i := range lines {
		lines[i].Hue, lines[i].Dash, lines[i].Link = i, i%3, ""
	}
	return lines
}

// fleetCharts lay the nodes over each other.
func fleetCharts(all []nodeStats, span time.Duration) (charts []templates.Chart) {
	step := stats.MaxSpan
	for _, one := range all {
		if one.Stats != nil {
			step = time.Duration(one.Stats.Step) * time.Second
		}
	}
	for _, c := range []struct {
		id, title string
		unit      chart.Unit
		values    func(r *stats.Report) stats.Values
	}{
		{"cpu", "CPU, of the limit", chart.Percent, func(r *stats.Report) stats.Values {
			return shareOf(own(r, "cpu"), r.Limits.CPU)
		}},
		{"memory", "Memory, of the limit", chart.Percent, func(r *stats.Report) stats.Values {
			return shareOf(own(r, "memory"), r.Limits.Memory)
		}},
		{"net_in", "Received", chart.Rate, func(r *stats.Report) stats.Values { return r.Series["net_in"] }},
		{"net_out", "Sent", chart.Rate, func(r *stats.Report) stats.Values { return r.Series["net_out"] }},
		{"disk", "Disk space, of the disk", chart.Percent, func(r *stats.Report) stats.Values {
			return shareOf(r.Series["disk"], r.Limits.Disk)
		}},
		{"load", "Load", chart.Number, func(r *stats.Report) stats.Values { return r.Series["load"] }},
	} {
		o := chart.Options{ID: c.id, Title: c.title, Unit: c.unit, Span: span, Step: step, Each: "Node"}
		for _, one := range all {
			if one.Stats == nil {
				continue
			}
			i := len(o.Lines)
			o.Lines = append(o.Lines, chart.Line{
				Name: templates.ShortName(one.Node), Values: c.values(one.Stats), Hue: i % 10, Dash: i / 10 % 3,
				Link: "/nodes/" + one.Node + "/stats",
			})
		}
		charts = append(charts, chart.New(o))
	}
	return charts
}

// own are the values of the node's own processes if it shares a machine with other nodes, else of all of it.
func own(r *stats.Report, series string) stats.Values {
	if r.Shared && r.Scope == "machine" {
		series = "node_" + series
	}
	return r.Series[series]
}

// shareOf are values as percentages of a limit, none without one.
func shareOf(v stats.Values, limit float64) stats.Values {
	if limit <= 0 {
		return nil
	}
	shares := make(stats.Values, len(v))
	for i, one := range v {
		shares[i] = one / float32(limit) * 100
	}
	return shares
}
