package templates

import "time"

// Details is the page of one node: what it says of itself.
type Details struct {
	Page
	Node    Node
	Trouble string // why it says nothing; then what follows is empty
	Facts   []Fact
	Members []Sighting
	Lookup  Lookup

	Protections []Protection // of Convoy shells
	Shield      Shield
}

// Protection is something that keeps a Convoy shell from doing harm.
type Protection struct {
	Name, What string
	Active     bool
}

// Shield is what keeps the node's system shells from it.
type Shield struct {
	Mode        string // of -confine
	State       string // full, partial, none, refused, off
	Why         string
	Protections []Protection
}

// Fact is one line of figures.
type Fact struct{ Name, Value string }

// Sighting is a member as the node sees it.
type Sighting struct {
	Name, Instance, Address, State, Trouble string
	Seen, Called                            time.Time
}

// Lookup is the node's last question to DNS.
type Lookup struct {
	Query, Outcome, Took string
	At                   time.Time
	Answers              []string
}
