package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"convoy/confine"
	"convoy/confine/sandbox"
	"convoy/files"
)

// runConfined is a confined process that a node starts, and that works for the node. Package launch handles those that
// run a program.
func runConfined(_ context.Context, c call) (int, error) {
	args := c.args
	if len(args) < 2 || args[1] != confine.FilesTask && args[1] != confine.ProbeTask {
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
	case confine.FilesTask:
		err = files.Serve(c.stdin, c.stdout)
	case confine.ProbeTask:
		var at sandbox.Decoys
		if len(args) > 3 {
			at = sandbox.Decoys{Terminal: args[2], Socket: args[3]}
		}
		err = json.NewEncoder(c.stdout).Encode(sandbox.Probe(plan, at))
	}
	if err != nil {
		fmt.Fprintln(c.stderr, err)
		return 1, nil
	}
	return 0, nil
}
