// Package cli is the convoy command: its subcommands, flags and environment, and the node that they start.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	_ "convoy/cli/launch" // becomes the program of a system shell
	"convoy/confine"
	"convoy/node"
	"convoy/supervisor"
)

// Main runs the program with the process's arguments, environment and signals, and returns the exit status. A node runs
// in a process of its own: this one becomes its supervisor.
func Main() int {
	getenv, err := withoutSecrets(os.Args[1:])
	if err != nil {
		printError(os.Stderr, err)
		return 1
	}
	client, err := supervisor.Connect()
	if err != nil {
		printError(os.Stderr, hint("it is how Convoy starts itself; unset it", "%w", err))
		return 1
	}
	// Notify also undoes an inherited "ignore", which every shell would inherit in turn.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGQUIT)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	if client == nil { // else the supervisor has the signal as well, and ends everything after the second
		context.AfterFunc(ctx, stop)
	}
	return run(ctx, os.Args[1:], call{nil, getenv, client, os.Stdin, os.Stdout, os.Stderr})
}

// call is what a command gets to run.
type call struct {
	args           []string // after the command's name
	getenv         func(string) string
	supervisor     *supervisor.Client // nil: none
	stdin          io.Reader
	stdout, stderr io.Writer
}

// Run is the whole program. Without a command it runs a node until ctx ends. It returns the exit status: 0, 1 if
// something failed, 2 if the arguments or the environment are wrong. Several may run in one process, and their shells
// end with them.
func Run(
	ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer,
) int {
	return run(ctx, args, call{nil, getenv, nil, stdin, stdout, stderr})
}

// run runs a command with arguments that begin with its name.
func run(ctx context.Context, args []string, c call) int {
	cmd, rest := find(commands(), spelledOut(args))
	c.args = rest
	status, err := cmd.run(ctx, c)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(c.stdout, cmd.usage())
		return 0
	}
	if err != nil {
		printError(c.stderr, err)
		c.supervisor.Failed(err)
	}
	return status
}

// spelledOut replaces the usual ways to ask for help and for the version.
func spelledOut(args []string) []string {
	switch {
	case len(args) == 0:
		return args
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "-h")
	case slices.Contains([]string{"-v", "-version", "--version"}, args[0]):
		return append([]string{"version"}, args[1:]...)
	}
	return args
}

// find returns the command that args begin with, and the arguments after its name.
func find(all []command, args []string) (command, []string) {
	for _, cmd := range all[1:] {
		if len(args) > 0 && args[0] == cmd.name {
			return cmd, args[1:]
		}
	}
	return all[0], args
}

// runNode is convoy without a command.
func runNode(ctx context.Context, c call) (status int, err error) {
	cfg, err := readConfig(c.args, c.getenv)
	if err != nil {
		return 2, err
	}
	if err := confine.SetUndumpable(); err != nil {
		return 1, err
	}
	if err := keepCookie(&cfg); err != nil {
		return 1, err
	}
	reachSupervisor(&cfg, c)
	// Without it, the kernel ends a node when the reader of its standard output goes away, as journald does to restart.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return exit(node.Run(ctx, cfg, c.stdout))
}

// simple is the run of a command without flags or arguments.
func simple(name string, run func(context.Context, call) error) func(context.Context, call) (int, error) {
	return func(ctx context.Context, c call) (int, error) {
		set := newFlagSet("convoy " + name)
		if err := parse(set, c.args); err != nil {
			return 2, err
		}
		if set.NArg() > 0 {
			return 2, hint("leave it out", "unexpected argument %q", set.Arg(0))
		}
		if err := confine.SetUndumpable(); err != nil { // the environment may contain secrets
			return 1, err
		}
		return exit(run(ctx, c))
	}
}

// exit returns an error with its exit status.
func exit(err error) (int, error) {
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// hint returns an error, and what to do about it.
func hint(hint, format string, args ...any) error { return node.Hintf(hint, format, args...) }

// printError prints an error for a person, and what to do about it.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "convoy: error: %v\n", err)
	if h, ok := errors.AsType[*node.HintError](err); ok {
		fmt.Fprintf(w, "convoy: hint: %s\n", h.Hint)
	}
}
