package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"convoy/confine"
	"convoy/node"
	"convoy/supervisor"
)

// socketSuffix is what follows a node's name in the file name of its supervisor's socket.
const socketSuffix = ".sock"

// reachSupervisor lets convoy upgrade and convoy stop reach the supervisor of a node with a data directory. A spawned
// node is its parent's.
func reachSupervisor(cfg *node.Config, c call) {
	cfg.Supervisor = c.supervisor
	if c.supervisor == nil || cfg.Spawned || cfg.Data == "" {
		return
	}
	err := os.MkdirAll(cfg.Data, 0o700)
	if err == nil {
		err = c.supervisor.Listen(filepath.Join(cfg.Data, cfg.Name+socketSuffix))
	}
	if err != nil {
		fmt.Fprintf(c.stderr, "convoy: warning: convoy upgrade and convoy stop do not reach this node: %v\n", err)
	}
}

// supervisorFlags are the flags of convoy upgrade and convoy stop.
type supervisorFlags struct {
	data string
	keep bool
}

func (f *supervisorFlags) declare(set *flag.FlagSet) {
	set.StringVar(&f.data, "data", "", "DIR data directory of the node; default $XDG_STATE_HOME/convoy (CONVOY_DATA)")
}

func (f *supervisorFlags) declareStop(set *flag.FlagSet) {
	f.declare(set)
	set.BoolVar(&f.keep, "keep-shells", false,
		"leave the shells running: the next node with the same name and data directory continues them")
}

// runUpgrade is convoy upgrade, and runStop is convoy stop.
func runUpgrade(ctx context.Context, c call) (int, error) {
	var f supervisorFlags
	return f.run(ctx, c, newFlagSet("convoy upgrade", flagGroup{declare: f.declare}), func() string { return "upgrade" })
}

func runStop(ctx context.Context, c call) (int, error) {
	var f supervisorFlags
	return f.run(ctx, c, newFlagSet("convoy stop", flagGroup{declare: f.declareStop}), func() string {
		if f.keep {
			return "keep"
		}
		return "stop"
	})
}

// run gives a supervisor the command that flags mean, and prints the answer.
func (f *supervisorFlags) run(
	ctx context.Context, c call, set *flag.FlagSet, command func() string,
) (int, error) {
	if err := parse(set, c.args); err != nil {
		return 2, err
	}
	if set.NArg() > 1 {
		return 2, hint("give one node", "unexpected argument %q", set.Arg(1))
	}
	if err := confine.SetUndumpable(); err != nil { // it reads the key
		return 1, err
	}
	socket, err := findSocket(cmp.Or(f.data, c.getenv("CONVOY_DATA"), stateDir(c.getenv)), set.Arg(0))
	if err != nil {
		return 1, err
	}
	text, err := supervisor.Do(ctx, socket, command())
	if err == nil {
		_, err = fmt.Fprintln(c.stdout, text)
	}
	return exit(err)
}

// findSocket returns the socket of a node below a data directory; without a name, of the only one.
func findSocket(dir, name string) (string, error) {
	advice := "name the node's data directory with -data; for one without, use kill -USR2 to upgrade it, kill to stop it"
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", hint(advice, "read the data directory: %w", err)
	}
	var names []string
	for _, e := range entries {
		if one, ok := strings.CutSuffix(e.Name(), socketSuffix); ok && e.Type() == fs.ModeSocket {
			names = append(names, one)
		}
	}
	switch {
	case name == "" && len(names) > 1:
		return "", hint("name one: "+strings.Join(names, ", "), "%d nodes run with the data directory %q", len(names), dir)
	case name == "" && len(names) == 1:
		name = names[0]
	case name == "":
		return "", hint(advice, "no node runs with the data directory %q", dir)
	case !slices.Contains(names, name):
		return "", hint(advice, "no node %q runs with the data directory %q", name, dir)
	}
	return filepath.Join(dir, name+socketSuffix), nil
}
