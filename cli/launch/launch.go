// Package launch becomes the program of a system shell, or the supervisor of nodes, in a process that was started for
// that.
//
// It does so while packages initialize: most of Convoy's and of its libraries' come later, because they import more or
// have a later path (The Go Programming Language Specification, "Package initialization"), and take longer than all of
// launch.
package launch

import (
	"fmt"
	"os"

	"convoy/confine"
	"convoy/supervisor"
)

func init() {
	supervisor.SetName()
	if supervisor.Wanted() {
		os.Exit(supervise())
	}
	if len(os.Args) < 5 || os.Args[1] != confine.Subcommand {
		return
	}
	switch plan, program := os.Args[2], os.Args[4:]; os.Args[3] {
	case confine.RunTask:
		os.Exit(run(plan, program, func() (string, error) { return os.Getenv("PWD"), nil }, confine.Exec))
	case confine.AwaitTask:
		os.Exit(run(plan, program, await, takeOver))
	case confine.SpareTask:
		os.Exit(run(plan, program, await, spawn))
	}
}

func await() (dir string, err error) { return confine.Await(3) }

// takeOver executes a program on the terminal on standard input.
func takeOver(args, env []string) (status int, err error) {
	if err := confine.TakeTerminal(); err != nil {
		return 1, err
	}
	return confine.Exec(args, env)
}

// spawn is takeOver in another process, if that is possible.
func spawn(args, env []string) (status int, err error) {
	if confine.Spawn(3, args, env) == nil {
		return 0, nil
	}
	return takeOver(args, env)
}

// supervise runs a supervisor, which has secrets.
func supervise() (status int) {
	if err := confine.SetUndumpable(); err != nil {
		fmt.Fprintf(os.Stderr, "convoy: error: %v\n", err)
		return 1
	}
	return supervisor.Run()
}

// run enters a plan and a directory, which it is told when the program may begin, and starts the program. If that
// fails, it returns a shell's exit status.
func run(
	planText string, args []string, begin func() (dir string, err error), start func(args, env []string) (int, error),
) (status int) {
	plan, planErr := confine.ParsePlan(planText)
	dir, err := begin()
	if err != nil {
		return 1 // nobody waits for the program
	}
	if err = planErr; err == nil {
		err = plan.EnterAlone()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "this shell cannot be confined: %v\n", err)
		return 1
	}
	if dir, err = confine.Chdir(dir, os.Getenv("HOME")); err != nil {
		fmt.Fprintf(os.Stderr, "this shell starts in %s: %v\n", dir, err)
	}
	os.Setenv("PWD", dir) //nolint:errcheck // fails only for a NUL
	if status, err = start(args, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return status
}
