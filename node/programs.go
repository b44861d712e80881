package node

import (
	"os"

	"convoy/pty"
)

// The kinds of shells.
const (
	convoyShell = "convoy" // the Convoy shell, which has no access to the machine
	systemShell = "system" // a program of the machine, such as bash
)

// programs returns what this node's shells can run, the default first. exe is this program.
func (n *node) programs(exe string) []pty.Program {
	convoy := pty.Program{
		Kind:         convoyShell,
		Name:         "convoy",
		ExclusiveTTY: true,
		Attach:       n.attach,
		Reattach:     n.reattach,
		Args:         []string{exe, "shell", "-fd", "3", "-name", n.cfg.Name},
		Env:          []string{"TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8"},
	}
	switch n.cfg.System {
	case "off":
		return []pty.Program{convoy}
	case "first":
		return []pty.Program{n.system.program(), convoy}
	}
	return []pty.Program{convoy, n.system.program()}
}

// attach and reattach call the service, which does not exist yet when the table of shells is built.
func (n *node) attach(right func() string) (pty.Attachment, error) { return n.service.Attach(right) }

func (n *node) reattach(right func() string, keep *os.File) (pty.Attachment, error) {
	return n.service.Reattach(right, keep)
}
