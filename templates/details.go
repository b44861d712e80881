package templates

import "time"

// Details is the page of one node, as it describes itself.
type Details struct {
	Page
	Node    Node
	Error   string // why it does not answer; then the rest is empty
	Facts   []Fact
	Members []Sighting
	Lookup  Lookup

	Protections []Protection // of Convoy shells
	Shield      Shield
}

// Protection is a restriction on a shell.
type Protection struct {
	Name, What string
	Active     bool
}

// Shield is the confinement of the node's system shells.
type Shield struct {
	Mode        string // of -confine
	State       string // full, partial, none, refused, off
	Why         string
	Protections []Protection
}

// Fact is one metric, in words or as a time.
type Fact struct {
	Name, Value string
	At          time.Time // zero: not a time
}

// Sighting is a member as the node sees it.
type Sighting struct {
	Name, Instance, Address, State, Error string
	Seen, Called                          time.Time
}

// Lookup is the node's last DNS query.
type Lookup struct {
	Query, Outcome, Took string
	At                   time.Time
	Answers              []string
}
