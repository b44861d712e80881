package sandbox

import (
	"fmt"
	"strings"
)

// Status is the state of the confinement of a node's system shells; docs/protocol.md describes its JSON.
type Status struct {
	Mode        string       `json:"mode"`
	State       string       `json:"state"` // full, partial, none, refused, or off: no system shells
	Reason      string       `json:"why"`
	Protections []Protection `json:"protections"`
}

// Protection is one protection of the node.
type Protection struct {
	Name   string `json:"name"`
	Detail string `json:"what"`
	Active bool   `json:"active"`
}

// sameUserWarning applies even if no attempt succeeds: only another user protects the files and programs of the node's
// user.
const sameUserWarning = "; it runs as the node's own user, so it can change that user's files and reach that user's " +
	"other programs by the network: they are not confined, and can do all of it"

// Status reports how effective the sandbox is on this machine. The first call takes up to 10 s.
func (s *Sandbox) Status() Status {
	status := Status{Mode: s.Mode, State: "full", Protections: []Protection{}}
	if s.Mode == Off {
		status.State, status.Reason = "none", "System shells have all rights of this node: it was started with -confine off"
		return status
	}
	report, err := s.report()
	if err == nil {
		status.Protections = s.protections(report)
	}
	possible := []string{}
	for _, one := range report.Attempts {
		if one.Succeeded {
			possible = append(possible, one.Name)
		}
	}
	refusal := s.Refusal()
	switch {
	case refusal != "":
		status.State, status.Reason = "refused", "System shells are refused: "+refusal
	case len(possible) > 0:
		status.State, status.Reason = "partial", "A system shell can "+strings.Join(possible, ", and ")
	default:
		status.Reason = "A system shell cannot read or end this node, and cannot read its files"
	}
	if s.Plan.User == nil && status.State != "refused" {
		status.State = "partial"
		status.Reason += sameUserWarning
	}
	return status
}

// protections lists the protections, and the attempts of the probe.
func (s *Sandbox) protections(report Report) []Protection {
	user := "programs run as the node's own user"
	if s.Plan.User != nil {
		user = fmt.Sprintf("programs run as user %s, not as root", s.Plan.User.Name)
	}
	landlock := "not available: programs can signal and inspect other processes of their user"
	if report.Landlock > 0 {
		landlock = fmt.Sprintf("version %d: other processes cannot be inspected", report.Landlock)
		if report.Landlock >= 6 {
			landlock += " or signalled"
		}
	}
	list := []Protection{
		{Name: "another user", Detail: user, Active: s.Plan.User != nil},
		{Name: "no new privileges", Detail: "set-user-ID bits have no effect, so sudo cannot work", Active: report.NoNew},
		{Name: "Landlock", Detail: landlock, Active: report.Landlock > 0},
		{Name: "limits", Detail: "no core files, limited descriptors, killed first when memory is short", Active: true},
		{Name: "environment", Detail: "only what a terminal needs, without secrets", Active: true},
	}
	for _, one := range report.Attempts {
		what := "attempted, and refused: " + one.Error
		if one.Succeeded {
			what = "attempted, and succeeded"
			if one.Name == ReadStore {
				what += "; to prevent it, keep -data in a directory that only root can change, or use -confine strict"
			}
		}
		list = append(list, Protection{Name: "cannot " + one.Name, Detail: what, Active: !one.Succeeded})
	}
	return list
}
