package confine

import (
	"fmt"
	"strings"
)

// Status is what a node says of the confinement of its system shells, as docs/protocol.md shows it.
type Status struct {
	Mode        string       `json:"mode"`
	State       string       `json:"state"` // full, partial, none, refused, or off: there are no system shells
	Reason      string       `json:"why"`
	Protections []Protection `json:"protections"`
}

// Protection is something that keeps system shells from the node.
type Protection struct {
	Name   string `json:"name"`
	Detail string `json:"what"` // it does
	Active bool   `json:"active"`
}

// sameUser is what holds even if no attempt works. Only another user is a barrier to what else the node's user has.
const sameUserWarning = "; it runs as the node's own user, so it can change that user's files and reach that user's " +
	"other " +
	"programs by the network: they are not confined, and can do all of it"

// Status tells what the sandbox is worth on this machine. The first call tries, for up to 10 s.
func (s *Sandbox) Status() Status {
	view := Status{Mode: s.Mode, State: "full", Protections: []Protection{}}
	if s.Mode == Off {
		view.State, view.Reason = "none", "System shells have all that this node has: it was started with -confine off"
		return view
	}
	said, err := s.report()
	if err == nil {
		view.Protections = s.protections(said)
	}
	weak := []string{}
	for _, one := range said.Attempts {
		if one.Succeeded {
			weak = append(weak, one.Name)
		}
	}
	refusal := s.Refusal()
	switch {
	case refusal != "":
		view.State, view.Reason = "refused", "System shells are refused: "+refusal
	case len(weak) > 0:
		view.State, view.Reason = "partial", "A system shell can "+strings.Join(weak, ", and ")
	default:
		view.Reason = "A system shell can neither read nor end this node, nor read what it keeps"
	}
	if s.Plan.User == nil && view.State != "refused" {
		view.State = "partial"
		view.Reason += sameUserWarning
	}
	return view
}

// protections are what is active, and what was tried.
func (s *Sandbox) protections(said Report) []Protection {
	who := "programs run as the node's own user"
	if s.Plan.User != nil {
		who = fmt.Sprintf("programs run as user %s, not as root", s.Plan.User.Name)
	}
	landlock := "other processes are not to be signalled or looked into"
	if said.Landlock > 0 {
		landlock = fmt.Sprintf("version %d: other processes cannot be looked into", said.Landlock)
		if said.Landlock >= 6 {
			landlock += " or signalled"
		}
	}
	list := []Protection{
		{Name: "another user", Detail: who, Active: s.Plan.User != nil},
		{Name: "no new privileges", Detail: "no program gains any by set-user-ID bits, such as sudo", Active: said.NoNew},
		{Name: "Landlock", Detail: landlock, Active: said.Landlock > 0},
		{
			Name: "limits",
			Detail: "no core files, and a bounded number of descriptors; " +
				"when memory is short these programs end first",
			Active: true,
		},
		{Name: "environment", Detail: "what a terminal needs, and no secret", Active: true},
	}
	for _, one := range said.Attempts {
		what := "tried, and refused: " + one.Error
		if one.Succeeded {
			what = "tried, and it worked"
			if one.Name == ReadStore {
				what += "; -data in a directory that only root may change, or -confine strict, hides it"
			}
		}
		list = append(list, Protection{Name: "cannot " + one.Name, Detail: what, Active: !one.Succeeded})
	}
	return list
}
