package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"convoy/confine"
	"convoy/files"
)

// runConfined is the process that drops its privileges and becomes the program of a system shell. A node starts it.
func runConfined(_ context.Context, c call) (int, error) {
	args := c.args
	if len(args) < 2 || args[1] == confine.RunTask && len(args) < 3 {
		return 2, hint("leave it out; nodes use it to start shells", "convoy confined is an internal command")
	}
	plan, err := confine.ParsePlan(args[0])
	if err == nil {
		err = plan.Enter()
	}
	if err != nil {
		fmt.Fprintf(c.stderr, "this shell cannot be confined: %v\n", err)
		return 1, nil
	}
	switch args[1] {
	case confine.RunTask:
		return execProgram(args[2:], c.stderr), nil
	case confine.FilesTask:
		err = files.Serve(c.stdin, c.stdout)
	case confine.ProbeTask:
		var at confine.Decoys
		if len(args) > 3 {
			at = confine.Decoys{Terminal: args[2], Socket: args[3]}
		}
		err = json.NewEncoder(c.stdout).Encode(plan.Probe(at))
	}
	if err != nil {
		fmt.Fprintln(c.stderr, err)
		return 1, nil
	}
	return 0, nil
}

// execProgram enters the directory that PWD names and becomes the program. It returns only if that fails.
func execProgram(args []string, stderr io.Writer) int {
	dir, err := confine.Chdir(os.Getenv("PWD"), os.Getenv("HOME"))
	if err != nil {
		fmt.Fprintf(stderr, "this shell starts in %s: %v\n", dir, err)
	}
	os.Setenv("PWD", dir) //nolint:errcheck // fails only for a NUL
	status, err := confine.Exec(args, os.Environ())
	fmt.Fprintln(stderr, err)
	return status
}
