package templates

import (
	"html/template"
	"time"
)

// Runbooks is the page that lists the user's runbooks.
type Runbooks struct {
	Page
	Given bool // there is a directory of them
	More  bool // than are listed
	Rows  []RunbookRow
}

// RunbookRow is one line of them.
type RunbookRow struct {
	Name    string // in its address
	Title   string
	Summary string
	Changed time.Time
	Large   bool // it cannot be shown
}

// Runbook is the page of one runbook, whose steps can be run.
type Runbook struct {
	Page
	Name     string
	Untitled bool // Body has no heading
	Changed  time.Time
	Body     template.HTML // made by the guide package, which lets no raw HTML in
	Steps    []RunStep
	Nodes    []RunNode // that can be reached, the one that serves the page first
}

// RunStep is one step of a runbook: a block of code that can be run.
type RunStep struct {
	Number int    // from 1
	Kind   string // convoy or sh
	First  string // line of it
}

// RunNode is a node that steps can be run on.
type RunNode struct {
	Name  string
	Short string
	Self  bool // it serves the page
}
