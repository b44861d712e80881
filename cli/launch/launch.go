// Package launch does what needs nothing of the rest of Convoy: it becomes the program of a system shell, in a process
// that was started for that, and prints the version.
//
// It does so while packages initialize: most of Convoy's and of its libraries' come later, because they import more or
// have a later path (The Go Programming Language Specification, "Package initialization"), and take longer than all of
// launch.
package launch

import (
	"fmt"
	"io"
	"os"

	"convoy/confine"
	"convoy/version"
)

func init() {
	switch args := os.Args[1:]; {
	case len(args) > 3 && args[0] == confine.Subcommand && args[2] == confine.RunTask:
		os.Exit(run(args[1], args[3:]))
	case len(args) == 1 && args[0] == "version":
		if err := PrintVersion(os.Stdout); err == nil {
			os.Exit(0)
		} // else package cli reports it
	}
}

// PrintVersion prints what convoy version does.
func PrintVersion(out io.Writer) error {
	_, err := fmt.Fprintln(out, "convoy", version.String())
	return err
}

// run enters a plan and the directory that PWD names, and executes a program. It returns only if that fails, with a
// shell's exit status.
func run(planText string, args []string) (status int) {
	plan, err := confine.ParsePlan(planText)
	if err == nil {
		err = plan.EnterAlone()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "this shell cannot be confined: %v\n", err)
		return 1
	}
	dir, err := confine.Chdir(os.Getenv("PWD"), os.Getenv("HOME"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "this shell starts in %s: %v\n", dir, err)
	}
	os.Setenv("PWD", dir) //nolint:errcheck // fails only for a NUL
	status, err = confine.Exec(args, os.Environ())
	fmt.Fprintln(os.Stderr, err)
	return status
}
