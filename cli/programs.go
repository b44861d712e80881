package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"

	"convoy/access"
	"convoy/pty"
	"convoy/repl/wire"
)

// The kinds of shells.
const (
	convoyShell = "convoy" // the Convoy shell, which has no power over the machine
	systemShell = "system" // a program of the machine, such as bash
)

// programs are what this node's shells run, the usual one first. exe is this program.
func (n *node) programs(exe string) []pty.Program {
	convoy := pty.Program{Kind: convoyShell, Name: "convoy", Alone: true, Accompany: n.accompany,
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

// historyFile keeps what one user types in this node's Convoy shells; "" if there is no place for it. Another user of the
// same name, here or on another node, has another one, and so has the same user with another password. Names of users may
// have any characters, and some file systems take two of them for one, so the file is called by their hash.
func (cfg *config) historyFile(of access.Who) string {
	if cfg.data == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(of.User + "\x00" + of.Generation))
	return filepath.Join(cfg.data, "histories", hostOf(cfg.name), hex.EncodeToString(sum[:16]))
}

// accompany makes the way by which a Convoy shell asks this node.
func (n *node) accompany(right func() string) (pty.Company, error) {
	opener, err := access.ParseWho(right())
	if err != nil {
		return pty.Company{}, err
	}
	history := n.cfg.historyFile(opener)
	if history != "" {
		if err := os.MkdirAll(filepath.Dir(history), 0o700); err != nil {
			n.log.Warn("what is typed in Convoy shells cannot be kept", "component", "shell", "err", err)
		}
	}
	who := func() access.Who {
		who, _ := access.ParseWho(right()) //nolint:errcheck // nobody, if it is no right
		return who
	}
	ours, theirs, err := wire.Pair()
	if err != nil {
		return pty.Company{}, err
	}
	beside := n.newBeside(opener.User, who)
	conn := wire.New(ours, beside.serve)
	served := make(chan struct{})
	go func() { // ends with the connection, which Close closes
		defer close(served)
		if err := conn.Serve(context.Background()); err != nil {
			n.log.Warn("a Convoy shell broke off", "component", "shell", "err", err)
		}
	}()
	return pty.Company{Args: []string{"-history", history}, File: theirs, Close: func() {
		conn.Close() //nolint:errcheck // it has been used
		<-served
		beside.close()
	}}, nil
}
