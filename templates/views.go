package templates

import (
	"cmp"
	"fmt"
	"html/template"
	"time"
)

// Page has what every document needs.
type Page struct {
	Title string // before " · Convoy"
	Nonce string // of the Content-Security-Policy, for script and style elements
	Node  string // full name of the node that serves the page
	Build string // of the assets; a page with another build is outdated
	Role  string // of the user: viewer, operator or admin
	User  string // empty: not logged in, so no log-out button
	Key   string // name under which the page stores its key (assets/js/key.js); empty: no key
}

// Blank is the empty notice that a page fills in.
func (Page) Blank() Notice { return Notice{Level: "info"} }

// Console is the page with all nodes.
type Console struct {
	Page
	NodeList
	ListID    string // of NodeList, for the stream
	MaxUpload int64  // limit for a file to or from a shell, in bytes; 0: none
	Pass      string // authorizes the page's first stream; empty: not needed
	Warning   Notice // about this node; without Text there is none
	View      string // "table": the page begins with the table of nodes
	Run       RunState
}

// Offline is the page that a service worker shows while the console cannot be reached.
type Offline struct{ Page }

// NodeList is the element #nodes. Count and Max refer to spawned nodes.
type NodeList struct {
	Nodes     []Node
	Count     int
	Max       int
	Provider  string // "local", "railway"; empty: nothing can be spawned here
	CanSpawn  bool
	SpawnHint string // why not, or what spawning does
}

// FleetHead is the header of the list: counts of the nodes and of their shells.
type FleetHead struct {
	Count, Max   int
	Provider     string
	CanSpawn     bool
	SpawnHint    string
	StatusCounts []StatusCount
	Doings       []Doings // of the shells of all nodes, without First
	Waiting      int      // shells
	Progress     *Progress
	Heard        string   // what screen readers read out when it changes: which shells wait
	LabelKeys    []string // by which rows can be grouped
}

// Node is one card.
type Node struct {
	ID         string // ElementID(Name)
	Name       string // convoy@convoy-k3fz.convoy.internal
	Host       string // convoy-k3fz.convoy.internal
	Short      string // convoy-k3fz
	Status     string // a status of protocol.md
	Message    string // why it failed or is unreachable
	Self       bool   // it serves this page
	Control    bool   // it is the control plane
	Retirable  bool
	Retiring   bool
	Started    time.Time
	Seen       time.Time // shown for nodes that do not answer, so that heartbeats do not change cards
	Address    string
	Instance   string
	Version    string
	Region     string   // as the provider names it
	Labels     []string // each as key=value
	Provider   string
	ProviderID string
	Steps      []Step
	Shells     []Shell
	Kinds      []string // of shells that can be opened, the default first
	// Text of the first running shell's screen; only in the page, never in the list from the stream.
	Screen string
	Sparks Sparks // likewise: the stream sends them alone, with the live cells of the row
}

// Step is a step of a node's creation or removal. Ended is zero while it is in progress.
type Step struct {
	Name  string
	At    time.Time
	Ended time.Time
	Error string
}

// Shell is a shell as docs/protocol.md describes it.
type Shell struct {
	ID      string    `json:"id"`
	Node    string    `json:"node"`  // full name
	Kind    string    `json:"kind"`  // convoy or system
	Right   string    `json:"right"` // role needed to type in it
	Title   string    `json:"title"`
	Program string    `json:"program"`
	PID     int       `json:"pid"`
	Dir     string    `json:"dir"`  // "": unknown
	Busy    string    `json:"busy"` // foreground process; may be empty
	Started time.Time `json:"started"`
	Active  time.Time `json:"active"`
	Viewers int       `json:"viewers"`
	Rows    int       `json:"rows"`
	Cols    int       `json:"cols"`
	End     int64     `json:"end"`
	Running bool      `json:"running"`
	State   State     `json:"state"`
	Exit    *Exit     `json:"exit"`             // nil while it runs
	Links   int       `json:"links"`            // share links to it
	Shield  string    `json:"shield,omitempty"` // confinement of a system shell: full, partial, none; "": not applicable

	Recording bool `json:"recording"`
	Number    int  `json:"-"` // the how many-th of its node's shells with this title it is, from 1; 0: not counted
}

// Exit is how a shell ended.
type Exit struct {
	Code   int    `json:"code"`
	Signal string `json:"signal"`
}

// String is how it ended, in words.
func (e Exit) String() string { return cmp.Or(e.Signal, fmt.Sprintf("code %d", e.Code)) }

// Label is the title that tells the shell from others of its node.
func (s Shell) Label() string {
	if s.Number > 1 {
		return fmt.Sprintf("%s %d", s.Title, s.Number)
	}
	return s.Title
}

// Number numbers the shells of one node that have the same title, for Label.
func Number(shells []Shell) []Shell {
	titles := map[string]int{}
	for i := range shells {
		titles[shells[i].Title]++
		shells[i].Number = titles[shells[i].Title]
	}
	return shells
}

// Share is the page of a share link: one shell.
type Share struct {
	Page           // its Node is the shell's
	Shell   string // id
	Types   bool   // else view-only
	Expires time.Time
}

// ShellList is the content of the dialog with all shells.
type ShellList struct{ Shells []ShellRow }

// ShellRow is a shell in that list.
type ShellRow struct {
	Shell
	Reachable bool // its node is alive
}

// LogLines is a batch of one node's log, as <li> elements.
type LogLines struct {
	Node  string
	Boot  string
	Lines []LogLine
}

// LogLine is a line of a log. Level is in any case: "INFO".
type LogLine struct {
	Off     int64
	Time    time.Time
	Level   string
	Message string
	Attrs   []Attr
}

// Attr is an attribute of a log line.
type Attr struct{ Key, Value string }

// Notice is a message to the user. Level is "info", "warn" or "error".
type Notice struct{ Level, Text, Hint string }

// Question is a question before a command, and the command.
type Question struct{ Title, Text, Yes, Method, Path string }

// Login is the login page, for a token or a user. Error is what was wrong with the last attempt.
type Login struct {
	Page
	Error       string
	Users       bool   // some users have a password
	Name        string // as typed
	OpenID      string // name of the login provider; may be empty
	OpenIDError string // why its login failed
	Why         string // why a login is needed, if that is not obvious
}

// Entered is the page between a provider and the console.
type Entered struct {
	Page
	Next string // address that completes the login
}

// Opening is the page that a browser gets instead of a document until it presents the page key.
type Opening struct {
	Page
	Claim string // binds a new login to this page; empty: already bound
}

// Guide is a page of the guide.
type Guide struct {
	Page
	Pages []GuideLink
	Body  template.HTML // from the guide package, which allows no raw HTML
}

// GuideLink is an entry of the table of contents.
type GuideLink struct {
	Name, Title string
	Current     bool
}

// Error is the page for a failed request.
type Error struct {
	Page
	Status int
	Text   string
	Hint   string
}

// First is the first running shell, whose screen the card shows first.
func (n Node) First() Shell {
	for _, s := range n.Shells {
		if s.Running {
			return s
		}
	}
	return Shell{}
}

// StatusCount is the number of nodes with a status.
type StatusCount struct {
	Status string
	Count  int
}

// Head is the header of the list.
func (l NodeList) Head() FleetHead {
	head := FleetHead{
		Count: l.Count, Max: l.Max, Provider: l.Provider, CanSpawn: l.CanSpawn, SpawnHint: l.SpawnHint,
		StatusCounts: l.statusCounts(), Doings: doingsOf(l.Nodes...), LabelKeys: l.labelKeys(),
	}
	for i := range head.Doings {
		group := &head.Doings[i]
		if group.Is == "waiting" {
			head.Waiting, head.Heard = group.Count, l.heard()
		}
		head.Progress = least(head.Progress, group.Progress)
		group.First = Shell{}
	}
	return head
}

// statusCounts counts the nodes by status, in the order of a node's life, without zeros.
func (l NodeList) statusCounts() []StatusCount {
	count := make(map[string]int)
	for i := range l.Nodes {
		count[l.Nodes[i].Status]++
	}
	var list []StatusCount
	for _, status := range statuses {
		if count[status] > 0 {
			list = append(list, StatusCount{status, count[status]})
		}
	}
	return list
}

// Empty reports whether there is only the control plane.
func (l NodeList) Empty() bool { return len(l.Nodes) <= 1 && l.Count == 0 }

// Settled reports whether the node's creation is over: then its card shows shells, and has the steps in the details.
func (n Node) Settled() bool {
	switch n.Status {
	case "creating", "joining", "failed", "retiring":
		return false
	}
	return true
}

// Reachable reports whether shells can be opened on the node.
func (n Node) Reachable() bool { return n.Status == "alive" }

// Failed reports whether the step failed.
func (s Step) Failed() bool { return s.Error != "" }

// Running reports whether the step is in progress.
func (s Step) Running() bool { return s.Ended.IsZero() && s.Error == "" }
