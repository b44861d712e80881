package templates

import (
	"html/template"
	"time"
)

// Runbooks is the page that lists the runbooks.
type Runbooks struct {
	Page
	Given bool // a directory is configured
	More  bool // the list is incomplete
	Rows  []RunbookRow
}

// RunbookRow is a runbook as docs/protocol.md describes it.
type RunbookRow struct {
	Name    string    `json:"name"` // in its address
	Title   string    `json:"title"`
	Summary string    `json:"summary,omitempty"`
	Tags    []string  `json:"tags,omitempty"`
	Changed time.Time `json:"changed"`
	Large   bool      `json:"large,omitempty"` // it is too large to be shown
}

// Runbook is the page of one runbook.
type Runbook struct {
	Page
	Name     string
	Untitled bool // Body has no heading
	Changed  time.Time
	Parts    []RunPart
	Version  string // changes with the steps
	Steps    []RunStep
	Nodes    RunNodes
	Bar      RunState
}

// RunPart is a piece of a runbook, and the step at its end.
type RunPart struct {
	HTML    template.HTML // from the guide package, which allows no raw HTML
	Step    int           // 0: the runbook ends here
	Results *StepResults  // nil: it has not run
}

// RunStep is a step of a runbook: a block of code that can be run.
type RunStep struct {
	Number int    // from 1
	Kind   string // convoy or sh
	First  string // its first line
	State  string // running, ok, failed or stopped; empty: it has not run
}

// RunNodes are the reachable nodes, the one that serves the page first.
type RunNodes struct {
	Path  string // of the runbook
	Nodes []RunNode
}

// RunNode is a node on which steps can be run.
type RunNode struct {
	Name  string
	Short string
	Self  bool // it serves the page
	Off   bool // it is not chosen
}

// StepResults are the results of a step below it, or how far it is.
type StepResults struct {
	Number   int
	Begun    bool // it has just begun
	Groups   []ResultGroup
	Answered int
	Waiting  []string // short names of the nodes that have not answered
	Seconds  int      // since it began
	Headline string
	At       time.Time // when all had answered
}

// ResultGroup are nodes with the same result.
type ResultGroup struct {
	Nodes []string // short names
	Badge string
	OK    bool
	Took  string
	Parts []ResultPart
}

// ResultPart is part of an output: text, a line that differs, or lines that are missing.
type ResultPart struct {
	Text    string
	Differs bool
	Missing int
}

// RunState is the bar at the top of a runbook: whether steps run, and where they stopped.
type RunState struct {
	Run     string // id of the runs of one page, of which one is in progress at a time
	Name    string // of the runbook
	Running bool
	Text    string // what happened; may be empty
	State   string // ok, failed or stopped
	Next    int    // step to continue with; 0: none
	Again   int    // step to retry from; 0: none
}

// CommandRun is the name of runs of a command, which is not in a runbook.
const CommandRun = "command"

// RunUpdate is what a run sends to its page. Nil parts have not changed.
type RunUpdate struct {
	Step    *RunStep
	Results *StepResults
	Bar     *RunState
	Said    string // for screen readers
	Tick    int    // step of which only Seconds have changed; 0: none
	Seconds int
	Poll    *RunPoll
}

// RunPoll is how a page asks for the updates after the one of a number. Path is empty at the end.
type RunPoll struct {
	Path  string
	After int
}

// All is the number of nodes on which the step runs.
func (r StepResults) All() int { return r.Answered + len(r.Waiting) }
