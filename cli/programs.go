package cli

import (
	"slices"

	"convoy/pty"
)

// The kinds of shells.
const (
	convoyShell = "convoy" // the Convoy shell, which has no power over the machine
	systemShell = "system" // a program of the machine, such as bash
)

// programs are what this node's shells run, the usual one first. exe is this program.
func (n *node) programs(exe string) []pty.Program {
	convoy := pty.Program{Kind: convoyShell, Name: "convoy", Alone: true, Accompany: n.attach,
		Args: []string{exe, "shell", "-fd", "3", "-name", n.cfg.name},
		Env:  []string{"TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8"}}
	system := pty.Program{
		Kind:      systemShell,
		Name:      programName(n.cfg.shell),
		Args:      n.confinement.command(n.cfg.shell...),
		Env:       n.systemEnv(),
		Dir:       n.systemDir(),
		Enters:    n.confinement.mode != "off",
		Accompany: func(func() string) (pty.Company, error) { return pty.Company{Close: func() {}}, n.confinement.allow() },
	}
	switch n.cfg.system {
	case "off":
		return []pty.Program{convoy}
	case "first":
		return []pty.Program{system, convoy}
	}
	return []pty.Program{convoy, system}
}

// systemEnv is the environment of system shells.
func (n *node) systemEnv() []string {
	return n.confinement.plan.Env(append(slices.Clone(n.cfg.env), "CONVOY_NODE="+n.cfg.name))
}

// attach does as rpc.Service.Attach says: the service is made after the table of shells.
func (n *node) attach(right func() string) (pty.Company, error) { return n.service.Attach(right) }
