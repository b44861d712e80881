package main

import (
	"errors"
	"fmt"
	"strings"
)

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
	reaches = "reached"
	meets   = "within"
	misses  = "MISSED"
	unknown = "not measured"
)

// Ways, as they are reported.
const (
	wayBare    = "bare pty"
	wayCP      = "convoy"
	wayNode    = "convoy, spawned node"
	wayOldCP   = "before"
	wayOldNode = "before, spawned node"
	wayTtyd    = "ttyd"
	wayShell   = "one more idle shell"
	wayView    = "one more viewer"

	wayConvoyShell = "a Convoy shell, its processes"
)

// oneHopLess is the way to compare with a way over one hop.
var oneHopLess = map[string]string{wayNode: wayCP, wayOldNode: wayOldCP}

// budgets are those of the design that this program can measure.
func budgets() []budget {
	atMost := func(part, way, figure, what, unit string, must float64) budget {
		return budget{part: part, way: way, figure: figure, What: what, Unit: unit, Must: must}
	}
	atLeast := func(part, way, figure, what, unit string, must float64) budget {
		b := atMost(part, way, figure, what, unit, must)
		b.AtLeast = true
		return b
	}
	return []budget{
		atMost("open", wayCP, "× bare", "open a shell → prompt, vs the bare pty", unitRatio, 1.3),
		atMost("echo", wayCP, "× ttyd", "key → echo, loopback, vs ttyd (p50)", unitRatio, 2.0).reaching(1.6),
		atMost("echo", wayNode, "× local", "key → echo, one hop, vs local (p50)", unitRatio, 1.5).reaching(1.3),
		atMost("delay", "50 ms: "+wayCP+", 30 keys/s", "× round trip",
			"key → echo at 50 ms round trip, typing 30 keys/s (p50)", unitRatio, 1.02),
		atMost("delay", "150 ms: "+wayCP+", 30 keys/s", "× round trip",
			"key → echo at 150 ms round trip, typing 30 keys/s (p50)", unitRatio, 1.02),
		atLeast("bulk", wayCP, "× bare", "bulk output vs the bare pty", unitRatio, 0.8).reaching(0.95),
		atLeast("bulk", wayCP, "× ttyd", "bulk output vs ttyd", unitRatio, 1.1).reaching(1.3),
		atLeast("bulk", wayNode, "× local", "bulk output, one hop, vs local", unitRatio, 0.9),
		atLeast("viewers", "50 viewers", "all", "bulk output to 50 viewers of one shell, together", unitRate, 300),
		atMost("viewers", "50 viewers", "lost by the resets, mean", "bytes that 50 viewers of one shell lose",
			"%", 0),
		atMost("interrupt", wayCP, "p50", "Ctrl-C during yes → prompt drawn at 5 MB/s", unitMillis, 150).reaching(100),
		atMost("interrupt", wayCP, "undrawn, most", "undrawn in the viewer during a flood", unitMiB, 0.5),
		atLeast("stalled", rowUnread, "bulk × alone",
			"bulk beside a viewer that reads nothing, vs without it", unitRatio, 0.9),
		atLeast("stalled", rowUndone, "bulk × alone", "bulk beside a viewer that never acknowledges", unitRatio, 0.9),
		atMost("stalled", rowUnread, "echo × alone", "key → echo beside a viewer that reads nothing", unitRatio, 1.1),
		atMost("stalled", rowUndone, "echo × alone", "key → echo beside a viewer that never acknowledges", unitRatio, 1.1),
		atMost("browser", wayCP, "key × ttyd", "key → glyph drawn in Chromium, vs ttyd (p50)", unitRatio, 1.1),
		atMost("browser", wayCP, "cat × ttyd", "cat of 50 MiB until drawn in Chromium, vs ttyd", unitRatio, 1.0),
		atMost("start", wayCP, "p50", "convoy version", unitMillis, 8),
		atMost("spawn", wayCP, "shell usable", "local spawn: click → shell usable (p50)", unitMillis, 300).reaching(100),
		atMost("crash", wayCP, "p50", "a killed node: kill → first key echoed", unitMillis, 300),
		atMost("rest", wayRestSupervisor, "resident", "supervisor of a node at rest", unitMiB, 8),
		atMost("rest", wayRestCP, "not shared", "control plane at rest: memory not shared", unitMiB, 20),
		atMost("rest", wayRest, "not shared", "spawned node at rest: memory not shared", unitMiB, 16),
		atMost("rest", wayRestCP, "CPU", "control plane at rest: CPU", unitPercent, 0.5).reaching(0.3),
		atMost("rest", wayRest, "CPU", "spawned node at rest: CPU", unitPercent, 0.5).reaching(0.3),
		atMost("glance", rowSampler, "CPU", "statistics of a node: CPU", unitPercent, 0.1),
		atMost("glance", rowTable, "CPU, ms/s", "cards and table of 100 nodes: CPU a second", unitMillis, 5),
		atMost("glance", rowText, "of the shell's CPU", "states of shells, of bulk output", "%", 2),
		atMost("forty", rowPage, "on the wire", "page of 40 nodes: on the wire", unitKB, 400),
		atMost("forty", rowPage, "after a collection", "page of 40 nodes: memory of its tab", unitMiB, 114),
		atMost("memory", wayShell, "adds", "one more idle shell", unitKiB, 307),
		atMost("memory", wayConvoyShell, "adds", "a Convoy shell: its own memory", unitKiB, 4096),
		atMost("memory", wayView, "adds", "one more viewer", unitKiB, 56),
	}
}

// reaching is the budget with a better value to aim for.
func (b budget) reaching(value float64) budget {
	b.Reach = &value
	return b
}

// gate is an error that names each budget whose must was missed, or says that none was measured.
func gate(budgets []budget) error {
	var missed []string
	measured := 0
	for _, b := range budgets {
		if b.Verdict != unknown {
			measured++
		}
		if b.Verdict == misses {
			missed = append(missed, fmt.Sprintf("%s: %s %s, must be %s", b.What, number(*b.Got, b.Unit), b.Unit, b.must()))
		}
	}
	switch {
	case measured == 0:
		return errors.New("no budget was measured")
	case len(missed) > 0:
		return fmt.Errorf("%d of %d budgets missed:\n  %s", len(missed), measured, strings.Join(missed, "\n  "))
	}
	return nil
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

// sign is between what was got and the limit.
func (b budget) sign() string {
	if b.AtLeast {
		return "≥"
	}
	return "≤"
}

// must is the limit, as people read it.
func (b budget) must() string { return fmt.Sprintf("%s %g %s", b.sign(), b.Must, b.Unit) }

// row is the budget in the table.
func (b budget) row() []string {
	row := []string{b.What, b.must(), "", "", b.Verdict}
	if b.Reach != nil {
		row[2] = fmt.Sprintf("%s %g %s", b.sign(), *b.Reach, b.Unit)
	}
	if b.Got != nil {
		row[3] = fmt.Sprintf("%s %s", number(*b.Got, b.Unit), b.Unit)
	}
	return row
}
