package cli

import (
	"context"
	"flag"
	"fmt"

	"convoy/cli/answer"
	"convoy/confine"
	"convoy/peer"
	"convoy/repl"
)

// command is a subcommand. Its usage text is in usage/NAME.txt; commands without one are internal.
type command struct {
	name      string // "" for convoy without a command
	groups    []flagGroup
	variables bool // the environment sets its flags, too: see variable
	run       func(context.Context, call) (status int, err error)
}

// flagGroup is the flags of one topic. See newFlagSet about their usage texts.
type flagGroup struct {
	title   string
	declare func(*flag.FlagSet)
}

// commands are all commands, first convoy without one. Every start of the program makes this list, so it is cheap.
func commands() []command {
	return []command{
		{"", new(config).groups(), true, runNode},
		{"upgrade", []flagGroup{{"Flags", new(supervisorFlags).declare}}, false, runUpgrade},
		{"stop", []flagGroup{{"Flags", new(supervisorFlags).declareStop}}, false, runStop},
		{"shell", []flagGroup{{"Flags", new(shellFlags).declare}}, false, runShell},
		{"user", []flagGroup{{"Flags", new(userFlags).declare}}, false, runUser},
		{"audit", new(auditFlags).groups(), false, runAudit},
		{"cookie", nil, false, simple("cookie", printCookie)},
		{"railway", nil, false, runRailway},
		{"health", nil, false, simple("health", checkHealth)},
		{"completion", nil, false, runCompletion},
		{"version", nil, false, simple("version", printVersion)},
		{completeCommand, nil, false, runComplete},
		{confine.Subcommand, nil, false, runConfined},
		{repl.Subcommand, nil, false, func(context.Context, call) (int, error) { return repl.RunSandbox(), nil }},
	}
}

func printCookie(_ context.Context, c call) error {
	_, err := fmt.Fprintln(c.stdout, peer.NewCookie())
	return err
}

func printVersion(_ context.Context, c call) error { return answer.Version(c.stdout) }
