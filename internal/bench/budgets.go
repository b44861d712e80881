package main

import "fmt"

// budget is what the design asks of one figure.
type budget struct {
	part, way, figure string // which figure

	What    string   `json:"what"`
	Unit    string   `json:"unit"`
	AtLeast bool     `json:"at_least"` // more is better
	Must    float64  `json:"must"`
	Reach   *float64 `json:"reach"`
	Got     *float64 `json:"got"`
	Verdict string   `json:"verdict"`
}

// Verdicts.
const (
	reaches  = "reached"
	meets    = "within"
	misses   = "MISSED"
	unknown  = "not measured"
	wayBare  = "bare pty"
	wayCP    = "convoy"
	wayNode  = "convoy, spawned node"
	wayTtyd  = "ttyd"
	wayShell = "one more idle shell"
	wayView  = "one more viewer"
)

func reach(value float64) *float64 { return &value }

// budgets are those of the design that this program can measure.
func budgets() []budget {
	return []budget{
		{part: "echo", way: wayCP, figure: "× ttyd", What: "key → echo, loopback, vs ttyd (p50)", Unit: unitRatio, Must: 2.0, Reach: reach(1.3)},
		{part: "delay", way: "50 ms: " + wayCP + ", 30 keys/s", figure: "× round trip", What: "key → echo at 50 ms round trip, typing 30 keys/s (p50)", Unit: unitRatio, Must: 1.1, Reach: reach(1.02)},
		{part: "bulk", way: wayCP, figure: "× bare", What: "bulk output vs the bare pty", Unit: unitRatio, AtLeast: true, Must: 0.85, Reach: reach(0.95)},
		{part: "bulk", way: wayCP, figure: "× ttyd", What: "bulk output vs ttyd", Unit: unitRatio, AtLeast: true, Must: 1.1, Reach: reach(1.3)},
		{part: "interrupt", way: wayCP, figure: "p50", What: "Ctrl-C during yes → prompt drawn at 5 MB/s", Unit: unitMillis, Must: 300, Reach: reach(150)},
		{part: "interrupt", way: wayCP, figure: "undrawn, most", What: "undrawn in the viewer during a flood", Unit: unitMiB, Must: 1},
		{part: "stalled", way: rowUnread, figure: "bulk × alone", What: "bulk beside a viewer that reads nothing, vs without it", Unit: unitRatio, AtLeast: true, Must: 0.9},
		{part: "stalled", way: rowUndone, figure: "bulk × alone", What: "bulk beside a viewer that never acknowledges", Unit: unitRatio, AtLeast: true, Must: 0.9},
		{part: "stalled", way: rowUnread, figure: "echo × alone", What: "key → echo beside a viewer that reads nothing", Unit: unitRatio, Must: 1.1},
		{part: "stalled", way: rowUndone, figure: "echo × alone", What: "key → echo beside a viewer that never acknowledges", Unit: unitRatio, Must: 1.1},
		{part: "spawn", way: wayCP, figure: "shell usable", What: "local spawn: click → shell usable (p50)", Unit: unitMillis, Must: 1000, Reach: reach(300)},
		{part: "memory", way: "control plane", figure: "resident", What: "idle control plane: resident memory", Unit: unitMiB, Must: 40, Reach: reach(25)},
		{part: "memory", way: "spawned node", figure: "resident", What: "idle spawned node: resident memory", Unit: unitMiB, Must: 40, Reach: reach(25)},
		{part: "memory", way: "control plane", figure: "CPU", What: "idle control plane: CPU", Unit: unitPercent, Must: 0.5},
		{part: "memory", way: "spawned node", figure: "CPU", What: "idle spawned node: CPU", Unit: unitPercent, Must: 0.5},
		{part: "memory", way: wayShell, figure: "adds", What: "one more idle shell", Unit: unitKiB, Must: 2048},
		{part: "memory", way: wayView, figure: "adds", What: "one more viewer", Unit: unitKiB, Must: 64},
	}
}

// judge compares a figure with the budget.
func (b budget) judge(value float64, measured bool) budget {
	if !measured {
		b.Verdict = unknown
		return b
	}
	b.Got = &value
	better := func(limit float64) bool {
		if b.AtLeast {
			return value >= limit
		}
		return value <= limit
	}
	switch {
	case b.Reach != nil && better(*b.Reach):
		b.Verdict = reaches
	case better(b.Must):
		b.Verdict = meets
	default:
		b.Verdict = misses
	}
	return b
}

// row is the budget in the table.
func (b budget) row() []string {
	sign := "≤"
	if b.AtLeast {
		sign = "≥"
	}
	row := []string{b.What, fmt.Sprintf("%s %g %s", sign, b.Must, b.Unit), "", "", b.Verdict}
	if b.Reach != nil {
		row[2] = fmt.Sprintf("%s %g %s", sign, *b.Reach, b.Unit)
	}
	if b.Got != nil {
		row[3] = fmt.Sprintf("%s %s", number(*b.Got, b.Unit), b.Unit)
	}
	return row
}
