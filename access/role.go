// Package access says who may do what, now. [Authority] is the one place that decides; everything else carries a [Who]
// and asks it at every use. The package knows nothing of requests: those who serve them ask it.
package access

import (
	"fmt"
	"slices"
)

// Role is what somebody may do, the more the greater. The zero Role may do nothing.
type Role int

// The roles.
const (
	Nobody   Role = iota
	Viewer        // looks
	Operator      // types in Convoy shells, makes nodes and takes them away
	Admin         // everything, the machines' own shells among it
)

var roleNames = []string{"nobody", "viewer", "operator", "admin"}

func (r Role) String() string {
	if r < 0 || int(r) >= len(roleNames) {
		return roleNames[Nobody]
	}
	return roleNames[r]
}

// ParseRole reads a role's name.
func ParseRole(text string) (Role, error) {
	if i := slices.Index(roleNames, text); i > 0 {
		return Role(i), nil
	}
	return Nobody, fmt.Errorf("%q is not a role: the roles are viewer, operator and admin", text)
}

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a role's name; an empty one, or nobody, is Nobody.
func (r *Role) UnmarshalText(text []byte) (err error) {
	if *r = Nobody; len(text) == 0 || string(text) == roleNames[Nobody] {
		return nil
	}
	*r, err = ParseRole(string(text))
	return err
}

// Action is something that somebody does.
type Action string

// The actions. What is done in a shell needs the role that the shell was opened with as well.
const (
	View       Action = "look at the console"
	OpenConvoy Action = "open a Convoy shell"
	OpenSystem Action = "open a system shell"
	Type       Action = "type in a shell"
	Close      Action = "close a shell"
	Share      Action = "share a shell"
	Evaluate   Action = "evaluate on a node"
	Run        Action = "run a command on a node"
	Spawn      Action = "spawn a node"
	Retire     Action = "retire a node"
	Connect    Action = "connect to a node"
	Files      Action = "move files"
	Record     Action = "record a shell"
	Recordings Action = "see recordings"
	Tokens     Action = "make tokens"
	Sessions   Action = "see who is logged in"
	Audit      Action = "read the audit log"
)

// needs is the one table of who may do what: the least role for each action.
var requiredRoles = map[Action]Role{
	View: Viewer,

	OpenConvoy: Operator, Type: Operator, Close: Operator, Share: Operator, Evaluate: Operator,
	Spawn: Operator, Retire: Operator, Connect: Operator,

	OpenSystem: Admin, Run: Admin, Files: Admin, Record: Admin, Recordings: Admin,
	Tokens: Admin, Sessions: Admin, Audit: Admin,
}

// Needs is the least role that may do something; nobody may do what is not known.
func RequiredRole(a Action) (Role, bool) {
	role, ok := requiredRoles[a]
	return role, ok
}

// May reports whether a role may do something.
func (r Role) Allows(a Action) bool {
	least, ok := requiredRoles[a]
	return ok && r >= least && r != Nobody
}
