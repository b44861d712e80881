package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"convoy/access"
	"convoy/fleet"
	"convoy/handlers"
	"convoy/logs"
	"convoy/peer"
	"convoy/repl"
)

const (
	// evalSteps bounds what one evaluation that comes by a call may do.
	evalSteps = 50_000_000
	// maxTail is how many log lines one call gives.
	maxTail = 1000
	// maxCommandOutput bounds what a command says, in bytes, and maxCommands how many run at once.
	maxCommandOutput = 1 << 20
	maxCommands      = 16
	// maxEvals is how many evaluations run at once, since each may take much memory.
	maxEvals = 4
)

// nodeView is a node as a Convoy shell lists it.
type nodeView struct {
	Name    string     `json:"name"`
	Status  string     `json:"status"`
	Self    bool       `json:"self"`
	Control bool       `json:"control_plane"`
	Started *time.Time `json:"started"`
	Message string     `json:"message"`
}

// lineView is a log line as a Convoy shell lists it.
type lineView struct {
	Time  time.Time `json:"time"`
	Node  string    `json:"node"`
	Level string    `json:"level"`
	Text  string    `json:"text"`
}

// shellView is a shell as a Convoy shell lists it.
type shellView struct {
	Node    string    `json:"node"`
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Title   string    `json:"title"`
	Busy    string    `json:"busy"`
	Dir     string    `json:"dir"`
	Started time.Time `json:"started"`
	Running bool      `json:"running"`
}

// commandResult is what shells.run tells of a command.
type commandResult struct {
	Node   string  `json:"node"`
	Status int     `json:"status"` // -1 if a signal ended it
	Output string  `json:"output"`
	Took   float64 `json:"took"` // s
}

// shellFunctions registers what Convoy shells of all nodes may call here.
func (n *node) shellFunctions() {
	register := func(fn string, f func(context.Context, peer.Args) (any, error)) { n.cluster.Register(fn, f) }
	register("fleet.nodes", func(_ context.Context, args peer.Args) (any, error) {
		return n.nodeViews(), args.Scan()
	})
	register("fleet.spawn", func(_ context.Context, args peer.Args) (any, error) {
		if err := args.Scan(); err != nil {
			return nil, err
		}
		made, err := n.fleet.Spawn()
		return made.Name, err
	})
	register("fleet.retire", func(_ context.Context, args peer.Args) (any, error) {
		var name string
		if err := args.Scan(&name); err != nil {
			return nil, err
		}
		gone, err := n.fleet.Retire(name)
		return gone.Name, err
	})
	register("logs.tail", func(_ context.Context, args peer.Args) (any, error) {
		var count int
		var text string
		if err := args.Scan(&count, &text); err != nil {
			return nil, err
		}
		return n.logTail(count, text), nil
	})
	register("shells.list", func(_ context.Context, args peer.Args) (any, error) {
		return n.shellViews(), args.Scan()
	})
	register("shells.run", func(ctx context.Context, args peer.Args) (any, error) {
		var command string
		var who access.Who
		if err := args.Scan(&command, &who); err != nil {
			return nil, err
		}
		return n.runCommand(ctx, who, command)
	})
	register("shell.protections", func(_ context.Context, args peer.Args) (any, error) {
		return repl.Protections(), args.Scan()
	})
	register("shell.confinement", func(_ context.Context, args peer.Args) (any, error) {
		return n.shield(), args.Scan()
	})
	register("access.roles", func(_ context.Context, args peer.Args) (any, error) {
		var list []access.Who
		if err := args.Scan(&list); err != nil {
			return nil, err
		}
		roles := []access.Role{}
		for _, who := range list {
			roles = append(roles, n.authority.Answer(who))
		}
		return roles, nil
	})
	register("shell.eval", func(ctx context.Context, args peer.Args) (any, error) {
		var source string
		var who access.Who
		if err := args.Scan(&source, &who); err != nil {
			return nil, err
		}
		return n.eval(ctx, who, source)
	})
}

func (n *node) nodeViews() []nodeView {
	list := []nodeView{}
	for _, one := range n.fleet.List() {
		view := nodeView{Name: one.Name, Status: string(one.Status), Self: one.Self, Control: one.Control, Message: one.Message}
		if !one.Started.IsZero() {
			started := one.Started.UTC().Truncate(time.Second)
			view.Started = &started
		}
		list = append(list, view)
	}
	return list
}

// logTail are the last lines of this node's log that contain text.
func (n *node) logTail(count int, text string) []lineView {
	list := []lineView{}
	lines := n.ring.Tail(maxTail)
	for i := len(lines) - 1; i >= 0 && len(list) < min(count, maxTail); i-- {
		if view := n.lineView(lines[i]); strings.Contains(strings.ToLower(view.Text), strings.ToLower(text)) {
			list = append(list, view)
		}
	}
	slices.Reverse(list)
	return list
}

func (n *node) lineView(l logs.Line) lineView {
	text := l.Message
	for _, a := range l.Attrs {
		text += " " + a.Key + "=" + a.Value
	}
	return lineView{Time: l.Time.UTC().Truncate(time.Millisecond), Node: n.cfg.name, Level: strings.ToLower(l.Level.String()), Text: text}
}

func (n *node) shellViews() []shellView {
	list := []shellView{}
	for _, s := range n.shells.List() {
		list = append(list, shellView{n.cfg.name, s.ID, s.Kind, s.Title, s.Busy, s.Dir, s.Started.UTC().Truncate(time.Second), s.Running})
	}
	return list
}

// newEvals and newCommands bound what runs at once. Others wait; one user's cannot take all turns.
func newEvals() *access.Bound {
	return &access.Bound{Total: maxEvals, Reserve: 1, Each: 2, Waiting: 16}
}

func newCommands() *access.Bound {
	return &access.Bound{Total: maxCommands, Reserve: 2, Each: 8, Waiting: 64}
}

// eval evaluates source in a Convoy shell of its own on this node, with the rights of somebody, when its turn comes.
func (n *node) eval(ctx context.Context, who access.Who, source string) (repl.Result, error) {
	release, err := n.evals.Wait(ctx, access.Claim{Who: who})
	if err != nil {
		return repl.Result{}, fmt.Errorf("too many evaluations at once: %w", err)
	}
	defer release()
	command, err := evaluator()
	if err != nil {
		return repl.Result{}, err
	}
	beside := n.newBeside(who.User, func() access.Who { return who })
	defer beside.close()
	return repl.Eval(ctx, repl.Options{Command: command, Node: beside, Steps: evalSteps}, source)
}

// Run does as handlers.Commands says.
func (n *node) Run(ctx context.Context, who access.Who, command string) (handlers.Ran, error) {
	got, err := n.runCommand(ctx, who, command)
	return handlers.Ran{Status: got.Status, Output: got.Output, Took: inSeconds(got.Took)}, err
}

// runCommand runs a command line in the node's shell, without a terminal, for somebody, when its turn comes.
func (n *node) runCommand(ctx context.Context, who access.Who, line string) (commandResult, error) {
	if n.cfg.system == "off" {
		return commandResult{}, handlers.ErrNoSystemShell
	}
	if err := n.confinement.allow(); err != nil {
		return commandResult{}, err
	}
	release, err := n.commands.Wait(ctx, access.Claim{Who: who})
	if err != nil {
		return commandResult{}, fmt.Errorf("too many commands at once: %w", err)
	}
	defer release()
	began := time.Now()
	var out limitedText
	args := n.confinement.command(n.cfg.shell[0], "-c", line)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = n.systemDir(), n.systemEnv()
	if n.confinement.mode != "off" { // the directory is entered by the confined process
		cmd.Dir, cmd.Env = "/", append(cmd.Env, "PWD="+cmd.Dir)
	}
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	inOwnGroup(cmd)
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return commandResult{}, fmt.Errorf("%s cannot be started: %w", n.cfg.shell[0], err)
	}
	n.log.Info("command run", "component", "shell", "status", cmd.ProcessState.ExitCode(), "took", time.Since(began).Round(time.Millisecond).String())
	if ctx.Err() != nil {
		return commandResult{}, ctx.Err()
	}
	return commandResult{n.cfg.name, cmd.ProcessState.ExitCode(), out.String(), time.Since(began).Round(time.Millisecond).Seconds()}, nil
}

// limitedText keeps the first maxCommandOutput bytes that are written.
type limitedText struct {
	text []byte
	over bool
}

func (l *limitedText) Write(p []byte) (int, error) {
	room := maxCommandOutput - len(l.text)
	l.text = append(l.text, p[:min(len(p), room)]...)
	l.over = l.over || len(p) > room
	return len(p), nil
}

func (l *limitedText) String() string {
	text := strings.ToValidUTF8(string(l.text), "\uFFFD")
	if l.over {
		text += "\n… the rest is left out\n"
	}
	return text
}

// byTime sorts lines of several nodes.
func byTime(a, b lineView) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Node, b.Node)) }

// fullName is the name of the node that a reader calls name: it, or the one whose first label it is.
func (n *node) fullName(name string) (string, error) {
	if name == "" {
		return n.cfg.name, nil
	}
	if found, err := n.fleet.Find(name); err == nil {
		return found.Name, nil
	}
	if strings.Contains(name, "@") {
		return "", fmt.Errorf("there is no node called %q; node.list() lists the others, node.connect(name) connects one", name)
	}
	return "", fmt.Errorf("there is no node called %q; fleet.nodes() lists them", name)
}

// control is the node that makes others.
func (n *node) control() (string, error) {
	for _, one := range n.fleet.List() {
		if one.Control {
			return one.Name, nil
		}
	}
	return "", fmt.Errorf("no node of this cluster makes others")
}

// decode reads JSON arguments; those that are missing or null leave the variable as it is.
func decode(args []json.RawMessage, into ...any) error {
	if len(args) > len(into) {
		return fmt.Errorf("%d arguments, at most %d are taken", len(args), len(into))
	}
	for i, arg := range args {
		if string(arg) == "null" {
			continue
		}
		if err := json.Unmarshal(arg, into[i]); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return nil
}

// alive reports whether the fleet's list has a node with a status.
func hasStatus(list []fleet.Node, name, status string) (now string, ok bool) {
	i := slices.IndexFunc(list, func(one fleet.Node) bool { return one.Name == name })
	if i < 0 {
		return "gone", status == "gone"
	}
	now = string(list[i].Status)
	return now, now == status
}
