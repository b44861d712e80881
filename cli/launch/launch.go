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
		os.Exit(run(plan, program, func() (string, error) { return os.Getenv("PWD"), nil }))
	case confine.AwaitTask:
		os.Exit(run(plan, program, func() (string, error) { return confine.Await(3) }))
	}
}

// supervise runs a supervisor, which has secrets.
func supervise() (status int) {
	if err := confine.SetUndumpable(); err != nil {
		fmt.Fprintf(os.Stderr, "convoy: error: %v\n", err)
		return 1
	}
	return supervisor.Run()
}

// run enters a plan and a directory, which it is told when the program may begin, and executes the program. It returns
// only if that fails, with a shell's exit status.
func run(planText string, args []string, begin func() (dir string, err error)) (status int) {
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
	status, err = confine.Exec(args, os.Environ())
	fmt.Fprintln(os.Stderr, err)
	return status
}
