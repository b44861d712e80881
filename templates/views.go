package templates

import (
	"html/template"
	"time"
)

// Page is what every whole document needs.
type Page struct {
	Title string // in front of " · Convoy"
	Nonce string // of the Content-Security-Policy, for script and style elements
	Node  string // full name of the node that serves the page
	Build string // of the assets; a page with another build is out of date
	Role  string // what who is logged in may do: viewer, operator or admin
	User  string // who is logged in; empty: nobody, hence no log-out button
	Key   string // under which name the page keeps its key (assets/js/key.js); empty: it needs none
}

// Blank is the notice that a page fills in.
func (Page) Blank() Notice { return Notice{Level: "info"} }

// Console is the page with all nodes.
type Console struct {
	Page
	NodeList
	MaxUpload int64  // bytes of a file to or from a shell; 0: none
	Pass      string // lets the page's first stream in; empty: it needs none
}

// NodeList is the element #nodes. Count and Max speak of spawned nodes.
type NodeList struct {
	Nodes     []Node
	Count     int
	Max       int
	Provider  string // "local", "railway"; empty: nothing can be spawned here
	CanSpawn  bool
	SpawnHint string // why not, or what spawning does
}

// Node is one card.
type Node struct {
	ID         string // ElementID(Name)
	Name       string // convoy@convoy-k3fz.convoy.internal
	Host       string // convoy-k3fz.convoy.internal
	Short      string // convoy-k3fz
	Status     string // one of protocol.md's seven words
	StatusText string // for people; empty: Status
	Message    string // why it failed or is unreachable
	Self       bool   // it serves this page
	Control    bool   // it is the control plane
	Retirable  bool
	Retiring   bool
	Started    time.Time
	Seen       time.Time // shown when it does not answer, so that a card does not change with each heartbeat
	Address    string
	Instance   string
	Version    string
	Provider   string
	ProviderID string
	Steps      []Step
	Shells     []Shell
	Kinds      []string // of shells that can be opened, the usual one first
	// of the first shell that runs, as text; only in the page, never in the list that comes by the stream
	Screen string
}

// Step is one step of a node's making or taking away. Ended is zero while it
// goes on.
type Step struct {
	Name  string
	At    time.Time
	Ended time.Time
	Error string
}

// Shell is one tab of a card. Exit says how it ended, such as "code 1".
type Shell struct {
	ID      string
	Kind    string // convoy or system
	Right   string // the role that it takes to type in it
	Title   string
	Running bool
	Exit    string
	Links   int    // share links that open it
	Shield  string // what keeps a system shell from its node: full, partial, none; "": nothing to say

	Recording bool
}

// Share is the page of a share link: one shell.
type Share struct {
	Page           // its Node is the shell's
	Short   string // of the node
	Shell   string // id
	Types   bool   // else the reader watches
	Expires time.Time
}

// ShellList is what the dialog with all shells shows.
type ShellList struct{ Shells []ShellRow }

// ShellRow is one shell of that list.
type ShellRow struct {
	Node      string // full name
	Short     string
	Reachable bool // the node is alive
	Shell
	Program    string
	Dir        string // "": unknown
	Busy       string // what runs in it; "": nothing
	Started    time.Time
	Active     time.Time
	Viewers    int
	Rows, Cols int
}

// LogLines is a batch of one node's log, as <li> elements.
type LogLines struct {
	Node  string
	Short string
	Boot  string
	Lines []LogLine
}

// LogLine is one line of a log. Level is a word in any case: "INFO".
type LogLine struct {
	Off     int64
	Time    time.Time
	Level   string
	Message string
	Attrs   []Attr
}

// Attr is one key and value of a log line.
type Attr struct{ Key, Value string }

// Notice is something to tell the reader. Level is "info", "warn" or "error".
type Notice struct{ Level, Text, Hint string }

// Login is the page that asks for the token, or for who it is. Error is what was
// wrong with what was typed last.
type Login struct {
	Page
	Error       string
	Users       bool   // there are some with a password
	Name        string // that was typed
	OpenID      string // what the provider is called that logs people in; empty: there is none
	OpenIDError string // why it did not
	Why         string // why the reader has to log in, if they may wonder
}

// Entered is the page between a provider and the console.
type Entered struct {
	Page
	Next string // address that completes the login
}

// Opening is the page that a browser gets instead of a document until it shows the page key.
type Opening struct {
	Page
	Claim string // binds a new login to this page; empty: it is bound already
}

// Guide is one page of the guide.
type Guide struct {
	Page
	Pages []GuideLink
	Body  template.HTML // made by the guide package, which lets no raw HTML in
}

// GuideLink is one entry of the guide's table of contents.
type GuideLink struct {
	Name, Title string
	Current     bool
}

// Error is the page for a request that failed.
type Error struct {
	Page
	Status int
	Text   string
	Hint   string
}

// First is the shell whose screen the card begins with: the first one that runs.
func (n Node) First() Shell {
	for _, s := range n.Shells {
		if s.Running {
			return s
		}
	}
	return Shell{}
}

// Tally counts the nodes of one status, for the line above the cards.
type Tally struct {
	Status string
	Count  int
}

// Tallies counts the nodes by status, in the order in which a node goes
// through them; statuses without a node are left out.
func (l NodeList) Tallies() []Tally {
	count := make(map[string]int)
	for _, n := range l.Nodes {
		count[n.Status]++
	}
	var tallies []Tally
	for _, status := range []string{"alive", "joining", "creating", "unreachable", "retiring", "failed", "left"} {
		if count[status] > 0 {
			tallies = append(tallies, Tally{status, count[status]})
		}
	}
	return tallies
}

// Alone reports that there is nothing but the control plane.
func (l NodeList) Alone() bool { return len(l.Nodes) <= 1 && l.Count == 0 }

// Word is the status as people read it.
func (n Node) Word() string {
	if n.StatusText != "" {
		return n.StatusText
	}
	return n.Status
}

// Settled reports that the node is past its making: its card shows shells, and
// keeps the steps among the details.
func (n Node) Settled() bool {
	switch n.Status {
	case "creating", "joining", "failed", "retiring":
		return false
	}
	return true
}

// Reachable reports that a shell can be opened on the node.
func (n Node) Reachable() bool { return n.Status == "alive" }

// Failed reports that the step went wrong.
func (s Step) Failed() bool { return s.Error != "" }

// Running reports that the step goes on.
func (s Step) Running() bool { return s.Ended.IsZero() && s.Error == "" }
