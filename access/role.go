// Package access decides who may do what, now. [Authority] makes the decisions; everything else carries an [Identity]
// and asks it at every use. The package knows nothing of HTTP.
package access

import (
	"fmt"
	"slices"
)

// Role is what a user may do; a greater role may do more. The zero Role may do nothing.
type Role int

// The roles.
const (
	Nobody   Role = iota
	Viewer        // views
	Operator      // and types in Convoy shells, spawns and retires nodes
	Admin         // and everything else, including system shells
)

var roleNames = []string{"nobody", "viewer", "operator", "admin"}

func (r Role) String() string {
	if r < 0 || int(r) >= len(roleNames) {
		return roleNames[Nobody]
	}
	return roleNames[r]
}

// ParseRole parses a role's name.
func ParseRole(text string) (Role, error) {
	if i := slices.Index(roleNames, text); i > 0 {
		return Role(i), nil
	}
	return Nobody, fmt.Errorf("%q is not a role: the roles are viewer, operator and admin", text)
}

// MarshalText returns the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText parses a role's name; "" and "nobody" are Nobody.
func (r *Role) UnmarshalText(text []byte) (err error) {
	if *r = Nobody; len(text) == 0 || string(text) == roleNames[Nobody] {
		return nil
	}
	*r, err = ParseRole(string(text))
	return err
}

// Action is something that a role may allow. Its text completes "you cannot …".
type Action string

// The actions. Those in a shell also need the role that the shell was opened with.
const (
	View       Action = "view the console"
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
	Recordings Action = "view recordings"
	Tokens     Action = "create tokens"
	Sessions   Action = "view logins"
	Audit      Action = "read the audit log"
)

// requiredRoles is the lowest role for each action.
var requiredRoles = map[Action]Role{
	View: Viewer,

	OpenConvoy: Operator, Type: Operator, Close: Operator, Share: Operator, Evaluate: Operator,
	Spawn: Operator, Retire: Operator, Connect: Operator,

	OpenSystem: Admin, Run: Admin, Files: Admin, Record: Admin, Recordings: Admin,
	Tokens: Admin, Sessions: Admin, Audit: Admin,
}

// RequiredRole returns the lowest role that may do something. ok is false for an unknown action, which no role may do.
func RequiredRole(a Action) (Role, bool) {
	role, ok := requiredRoles[a]
	return role, ok
}

// Allows reports whether a role may do something.
func (r Role) Allows(a Action) bool {
	least, ok := requiredRoles[a]
	return ok && r >= least && r != Nobody
}
