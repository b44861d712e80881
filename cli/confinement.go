package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"convoy/confine"
	"convoy/files"
	"convoy/handlers"
	"convoy/repl"
)

// confinedCommand starts the process that gives up its power and becomes the program of a system shell. It is not for
// people. Behind it stand the plan and one of the words below, and with confinedRun the program.
const (
	confinedCommand = "confined"
	confinedRun     = "run"
	confinedTry     = "try"
	confinedFiles   = "files"
)

// defaultSystemUser is whom system shells run as if the node is root: a number that systems give to nobody.
const defaultSystemUser = "10001"

// tryWait bounds the attempts that tell what the confinement of system shells is worth here.
const tryWait = 10 * time.Second

// confined is the process that such a command starts.
func confined(args []string, stdout, stderr io.Writer) int {
	if len(args) < 2 || args[1] == confinedRun && len(args) < 3 {
		complain(stderr, hint("it is how a node starts its own shells; leave it out", "convoy confined is not for people"))
		return 2
	}
	plan, err := confine.ParsePlan(args[0])
	if err == nil {
		err = plan.Enter()
	}
	if err != nil {
		fmt.Fprintf(stderr, "this shell cannot be confined: %v\n", err)
		return 1
	}
	switch args[1] {
	case confinedRun:
		if err := confine.Chdir(os.Getenv("PWD")); err != nil {
			fmt.Fprintf(stderr, "this shell starts in %s: %v\n", os.Getenv("PWD"), err)
		}
		status, err := confine.Exec(args[2:])
		fmt.Fprintln(stderr, err)
		return status
	case confinedFiles:
		if err := files.Serve(os.Stdin, stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
	case confinedTry:
		var at confine.Decoys
		if len(args) > 3 {
			at = confine.Decoys{Terminal: args[2], Socket: args[3]}
		}
		if err := json.NewEncoder(stdout).Encode(plan.Try(at)); err != nil {
			return 1
		}
	}
	return 0
}

// confinement is what keeps the system shells of this node from it.
type confinement struct {
	mode   string // on, strict, off
	exe    string
	plan   confine.Plan
	report func() (confine.Report, error) // asks once
}

// newConfinement makes the plan for this node's system shells.
func (n *node) newConfinement(exe string) (*confinement, error) {
	c := &confinement{mode: n.cfg.confine, exe: exe}
	c.report = sync.OnceValues(c.try)
	if c.mode == "off" {
		return c, nil
	}
	c.plan.Strict = c.mode == "strict"
	for _, path := range []string{n.cfg.data, n.cfg.users, n.cfg.record.dir, n.cfg.tls.key} {
		if path != "" && !slices.Contains(c.plan.Hide, path) {
			c.plan.Hide = append(c.plan.Hide, path)
		}
	}
	if os.Geteuid() != 0 || n.cfg.system == "off" {
		return c, nil
	}
	u, err := confine.FindUser(n.cfg.systemUser)
	if err != nil {
		return nil, hint("-system-user takes a user's name or number", "%v", err)
	}
	if u.UID == 0 {
		return c, nil // somebody wants root's shells, with what else there is
	}
	if err := u.MakeHome(os.TempDir()); err != nil {
		return nil, hint("give -system-user a user that has a home directory", "system shells have no directory to start in: %v", err)
	}
	c.plan.User = u
	return c, nil
}

// command is what to start for a program to be confined.
func (c *confinement) command(args ...string) []string {
	if c.mode == "off" {
		return args
	}
	return append([]string{c.exe, confinedCommand, c.plan.String(), confinedRun}, args...)
}

// dir is where system shells start, given where the user wants them to.
func (c *confinement) dir(wanted string, given bool) string {
	if c.plan.User == nil || given {
		return wanted
	}
	return c.plan.User.Home
}

// files is who puts files where system shells are, and takes them: a process that can do what a shell can.
func (c *confinement) files() files.Store {
	if c.mode == "off" {
		return files.Here{}
	}
	return files.Elsewhere{Command: func() *exec.Cmd {
		cmd := exec.Command(c.exe, confinedCommand, c.plan.String(), confinedFiles)
		cmd.Env, cmd.Dir = []string{}, "/"
		return cmd
	}}
}

// try has a confined process attempt what it must not be able to do.
func (c *confinement) try() (confine.Report, error) {
	decoys, err := c.decoys()
	if err != nil {
		return confine.Report{}, err
	}
	defer decoys.close()
	at := decoys.at()
	ctx, cancel := context.WithTimeout(context.Background(), tryWait)
	defer cancel()
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, c.exe, confinedCommand, c.plan.String(), confinedTry, at.Terminal, at.Socket)
	cmd.Env, cmd.Dir, cmd.Stderr, cmd.WaitDelay = []string{}, "/", &complaint, time.Second
	out, err := cmd.Output()
	if err != nil {
		return confine.Report{}, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return confine.ReadReport(out)
}

// allow refuses system shells where one could take the cluster's secrets out of this node, and where one that was to be
// strictly confined would not be.
func (c *confinement) allow() error {
	if c.mode == "off" {
		return nil
	}
	said, err := c.report()
	switch {
	case err != nil:
		return &handlers.UnconfinedError{Reason: "its confinement could not be tried: " + err.Error()}
	case said.Could(confine.ReadMemory):
		return &handlers.UnconfinedError{Reason: "it could read this node's memory, and its secrets there"}
	case c.mode == "strict" && slices.ContainsFunc(said.Attempts, func(one confine.Done) bool { return one.Worked }):
		return &handlers.UnconfinedError{Reason: "it would not be confined as strictly as -confine strict wants it"}
	}
	return nil
}

// shieldView is what a node says of the confinement of its system shells, as docs/protocol.md shows it.
type shieldView struct {
	Mode  string            `json:"mode"`
	State string            `json:"state"` // full, partial, none, refused, or off: there are no system shells
	Why   string            `json:"why"`
	List  []repl.Protection `json:"protections"`
}

// sameUser is what holds even if no attempt works. Only another user is a barrier to what else the node's user has.
const sameUser = "; it runs as the node's own user, so it can change that user's files and reach that user's other " +
	"programs by the network: they are not confined, and can do all of it"

// shield tells what the confinement is worth on this machine.
func (n *node) shield() shieldView {
	c := n.confinement
	view := shieldView{Mode: c.mode, State: "full", List: []repl.Protection{}}
	if n.cfg.system == "off" {
		view.State, view.Why = "off", "There are no system shells on this node"
		return view
	}
	if c.mode == "off" {
		view.State, view.Why = "none", "System shells have all that this node has: it was started with -confine off"
		return view
	}
	said, err := c.report()
	if err == nil {
		view.List = c.protections(said)
	}
	var refused *handlers.UnconfinedError
	weak := []string{}
	for _, one := range said.Attempts {
		if one.Worked {
			weak = append(weak, one.What)
		}
	}
	switch {
	case errors.As(c.allow(), &refused):
		view.State, view.Why = "refused", "System shells are refused: "+refused.Reason
	case len(weak) > 0:
		view.State, view.Why = "partial", "A system shell can "+strings.Join(weak, ", and ")
	default:
		view.Why = "A system shell can neither read nor end this node, nor read what it keeps"
	}
	if c.plan.User == nil && view.State != "refused" {
		view.State = "partial"
		view.Why += sameUser
	}
	return view
}

// shieldState is the state of shield, in a word.
func (n *node) shieldState() string { return n.shield().State }

// protections are what is active, and what was tried.
func (c *confinement) protections(said confine.Report) []repl.Protection {
	who := "programs run as the node's own user"
	if c.plan.User != nil {
		who = fmt.Sprintf("programs run as user %s, not as root", c.plan.User.Name)
	}
	landlock := "other processes are not to be signalled or looked into"
	if said.Landlock > 0 {
		landlock = fmt.Sprintf("version %d: other processes cannot be looked into", said.Landlock)
		if said.Landlock >= 6 {
			landlock += " or signalled"
		}
	}
	list := []repl.Protection{
		{Name: "another user", What: who, Active: c.plan.User != nil},
		{Name: "no new privileges", What: "no program gains any by set-user-ID bits, such as sudo", Active: said.NoNew},
		{Name: "Landlock", What: landlock, Active: said.Landlock > 0},
		{Name: "limits", What: "no core files, and a bounded number of descriptors; when memory is short these programs end first", Active: true},
		{Name: "environment", What: "what a terminal needs, and no secret", Active: true},
	}
	for _, one := range said.Attempts {
		what := "tried, and refused: " + one.Said
		if one.Worked {
			what = "tried, and it worked"
			if one.What == confine.ReadStore {
				what += "; -data in a directory that only root may change, or -confine strict, hides it"
			}
		}
		list = append(list, repl.Protection{Name: "cannot " + one.What, What: what, Active: !one.Worked})
	}
	return list
}

func (cfg *config) checkConfine(f flags, _ func(string) string) error {
	if cfg.confine = f.confine; !slices.Contains([]string{"on", "strict", "off"}, cfg.confine) {
		return hint("it is on, strict or off", "-confine %q is not known", cfg.confine)
	}
	if cfg.systemUser = f.systemUser; cfg.system != "off" && cfg.confine != "off" && os.Geteuid() == 0 {
		if _, err := confine.FindUser(cfg.systemUser); err != nil {
			return hint("give a user's name or number", "-system-user: %v", err)
		}
	}
	if f.given["system-user"] && os.Geteuid() != 0 {
		return hint("leave out -system-user, or start Convoy as root", "only root can start shells as another user")
	}
	cfg.dirGiven = f.given["dir"]
	return nil
}

// systemDir is where system shells of this node start.
func (n *node) systemDir() string { return n.confinement.dir(n.cfg.dir, n.cfg.dirGiven) }

// programName is what a command's program is called.
func programName(args []string) string { return filepath.Base(args[0]) }
