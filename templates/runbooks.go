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

// RunbookRow is one runbook.
type RunbookRow struct {
	Name    string // in its address
	Title   string
	Summary string
	Changed time.Time
	Large   bool // it is too large to be shown
}

// Runbook is the page of one runbook.
type Runbook struct {
	Page
	Name     string
	Untitled bool // Body has no heading
	Changed  time.Time
	Body     template.HTML // from the guide package, which allows no raw HTML
	Steps    []RunStep
	Nodes    []RunNode // reachable ones, the one that serves the page first
}

// RunStep is a step of a runbook: a block of code that can be run.
type RunStep struct {
	Number int    // from 1
	Kind   string // convoy or sh
	First  string // its first line
}

// RunNode is a node on which steps can be run.
type RunNode struct {
	Name  string
	Short string
	Self  bool // it serves the page
}
