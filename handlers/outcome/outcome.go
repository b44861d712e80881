// Package outcome compares the results of a step that ran on several nodes, for people.
package outcome

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"convoy/templates"
)

// Result is what a step did on one node.
type Result struct {
	Node   string        `json:"node"`
	Short  string        `json:"-"`
	Badge  string        `json:"badge"` // ok, exit 3, killed, timed out, failed, stopped
	OK     bool          `json:"ok"`
	Output string        `json:"output"` // as Plain returns it
	Took   time.Duration `json:"-"`
}

// Stopped is the Badge of a node on which the user stopped the step.
const Stopped = "stopped"

// State is that of a step with these results: ok, failed or stopped.
func State(results []Result) string {
	state := "ok"
	for _, r := range results {
		if r.Badge == Stopped {
			return Stopped
		}
		if !r.OK {
			state = "failed"
		}
	}
	return state
}

var (
	// Non-text in a program's output: CSI, OSC, and the other sequences of ECMA-48; then control characters.
	sequences = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]?|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|` +
		`\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b[ -/]*[0-~]?`)
	controls = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f-\x{9f}]`)
)

// Plain is an output without colours and other controls. As on a screen, text after a carriage return replaces the
// line.
func Plain(output string) string {
	lines := strings.Split(strings.ReplaceAll(output, "\r\n", "\n"), "\n")
	for i, line := range lines {
		line = line[strings.LastIndexByte(strings.TrimRight(line, " \t\r"), '\r')+1:]
		lines[i] = controls.ReplaceAllString(sequences.ReplaceAllString(line, ""), "")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), " \t\n")
}

// group are the nodes with equal results.
type group struct {
	Result
	nodes []string
	lines []string
	marks
}

// Groups groups equal results, the largest group first. With marked, each has marks at the lines that the largest group
// lacks, or has besides.
func Groups(results []Result, marked bool) (view []templates.ResultGroup) {
	var groups []*group
	for _, r := range results {
		same := func(g *group) bool { return g.Badge == r.Badge && g.Output == r.Output }
		i := slices.IndexFunc(groups, same)
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{Result: r, lines: strings.Split(r.Output, "\n")})
		}
		groups[i].nodes = append(groups[i].nodes, r.Short)
		groups[i].Took = max(groups[i].Took, r.Took)
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(len(b.nodes), len(a.nodes)) })
	for i, g := range groups {
		// Of two equally large groups, neither is the reference.
		if marked && i > 0 {
			g.marks = compare(g.lines, groups[0].lines)
		} else if marked && len(groups) > 1 && len(groups[1].nodes) == len(g.nodes) {
			g.marks = compare(g.lines, groups[1].lines)
		}
	}
	for _, g := range groups {
		view = append(view, g.view())
	}
	return view
}

func (g *group) view() templates.ResultGroup {
	view := templates.ResultGroup{Nodes: g.nodes, Badge: g.Badge, OK: g.OK, Took: took(g.Took)}
	if g.Output == "" && len(g.lacks) == 0 {
		return view
	}
	text := ""
	for i, line := range append(g.lines, "") {
		last := i == len(g.lines)
		if g.lacks[i] == 0 && !g.differs[i] && !last {
			text += line + "\n"
			continue
		}
		if text != "" {
			view.Parts = append(view.Parts, templates.ResultPart{Text: text})
			text = ""
		}
		if n := g.lacks[i]; n > 0 {
			view.Parts = append(view.Parts, templates.ResultPart{Missing: n})
		}
		if g.differs[i] {
			view.Parts = append(view.Parts, templates.ResultPart{Text: cmp.Or(line, " "), Differs: true})
		} else if !last {
			text = line + "\n"
		}
	}
	return view
}

// Headline summarizes how far groups agree.
func Headline(groups []templates.ResultGroup) string {
	var sizes []string
	all, first, second := 0, 0, 0
	for i, g := range groups {
		n := len(g.Nodes)
		all += n
		sizes = append(sizes, fmt.Sprint(n))
		switch i {
		case 0:
			first = n
		case 1:
			second = n
		}
	}
	switch rest := all - first; {
	case all == 1:
		return "1 node"
	case len(groups) == 1:
		return fmt.Sprintf("the same on %d nodes", all)
	case first == 1 && all == 2:
		return "2 nodes differ"
	case first == 1:
		return fmt.Sprintf("all %d nodes differ", all)
	case first == second:
		return strings.Join(sizes, " and ") + " nodes differ"
	case rest == 1:
		return fmt.Sprintf("%d nodes agree, 1 differs", first)
	default:
		return fmt.Sprintf("%d nodes agree, %d differ", first, rest)
	}
}

func took(d time.Duration) string {
	s := d.Seconds()
	switch {
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	case s < 100:
		return fmt.Sprintf("%.1f s", s)
	}
	return fmt.Sprintf("%d min %d s", int(s)/60, int(s)%60)
}
