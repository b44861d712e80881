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
	"strings"
	"syscall"

	"convoy/confine"
	"convoy/node"
	"convoy/peer"
	"convoy/repl"
)

// Main runs the program with the process's arguments, environment and signals, and returns the exit status.
func Main() int {
	getenv, err := withoutSecrets(os.Args[1:])
	if err != nil {
		complain(os.Stderr, err)
		return 1
	}
	// Being told of these signals also undoes an inherited "ignore", which every shell would inherit in turn.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGQUIT)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	return Run(ctx, os.Args[1:], getenv, os.Stdin, os.Stdout, os.Stderr)
}

// Run is the whole program: it runs a node until ctx ends, and returns the exit status: 0, 1 if something failed, 2 if
// it was asked for something impossible. Several may run in one process.
func Run(
	ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer,
) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "shell":
		return shell(ctx, args[1:], getenv, stdout, stderr)
	case confine.Subcommand:
		return confined(args[1:], stdout, stderr)
	case "audit":
		return auditCommand(args[1:], getenv, stdout, stderr)
	case "user":
		return userCommand(args[1:], getenv, stdin, stdout, stderr)
	}
	switch strings.Join(args, " ") {
	case repl.Subcommand:
		return repl.Evaluate()
	case "cookie":
		fmt.Fprintln(stdout, peer.NewCookie())
		return 0
	case "version":
		fmt.Fprintln(stdout, "convoy", node.Version())
		return 0
	case "railway check":
		return question(stderr, func() error { return railwayCheck(ctx, getenv, stdout) })
	case "health":
		return question(stderr, func() error { return health(ctx, getenv) })
	}
	return runNode(ctx, args, getenv, stdout, stderr)
}

// question asks something that needs no node in this process.
func question(stderr io.Writer, ask func() error) int {
	err := confine.SetUndumpable() // it may have been started with secrets
	if err == nil {
		err = ask()
	}
	if err != nil {
		complain(stderr, err)
		return 1
	}
	return 0
}

// runNode is convoy without a command.
func runNode(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	cfg, err := configure(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err != nil:
		complain(stderr, err)
		return 2
	}
	err = confine.SetUndumpable()
	if err == nil {
		err = node.Run(ctx, cfg.Config, stdout)
	}
	if err != nil {
		complain(stderr, err)
		return 1
	}
	return 0
}

// complain prints an error, and what to do about it, for a person.
func complain(w io.Writer, err error) {
	fmt.Fprintf(w, "convoy: error: %v\n", err)
	if h := (*node.HintError)(nil); errors.As(err, &h) {
		fmt.Fprintf(w, "convoy: hint: %s\n", h.Hint)
	}
}
