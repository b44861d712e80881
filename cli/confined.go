package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"convoy/confine"
	"convoy/files"
)

// defaultSystemUser is whom system shells run as if the node is root: a number that systems give to nobody.
const defaultSystemUser = "10001"

// confined is the process that gives up its power and becomes the program of a system shell. It is not for people.
func confined(args []string, stdout, stderr io.Writer) int {
	if len(args) < 2 || args[1] == confine.RunTask && len(args) < 3 {
		complain(stderr, hint("it is how a node starts its own shells; leave it out", "convoy confined is not for people"))
		return 2
	}
	plan, err := confine.ParsePlan(args[0])
	if err == nil {
		err = plan.Enter()
	}
	if err != nil {
		fmt.Fprintf(stderr, "this shell cannot be confined: %v\n", err)
		return 1
	}
	switch args[1] {
	case confine.RunTask:
		return becomeProgram(args[2:], stderr)
	case confine.FilesTask:
		if err := files.Serve(os.Stdin, stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
	case confine.TryTask:
		var at confine.Decoys
		if len(args) > 3 {
			at = confine.Decoys{Terminal: args[2], Socket: args[3]}
		}
		if err := json.NewEncoder(stdout).Encode(plan.Try(at)); err != nil {
			return 1
		}
	}
	return 0
}

// becomeProgram enters the directory that PWD names and becomes the program. It returns only if that cannot be done.
func becomeProgram(args []string, stderr io.Writer) int {
	wanted := os.Getenv("PWD")
	dir, err := confine.Chdir(wanted, os.Getenv("HOME"))
	if err != nil {
		fmt.Fprintf(stderr, "this shell starts in %s: %v\n", dir, err)
	}
	os.Setenv("PWD", dir) //nolint:errcheck // names and values without NUL can be set
	status, err := confine.Exec(args, os.Environ())
	fmt.Fprintln(stderr, err)
	return status
}

func (cfg *config) checkConfine(f flags, _ func(string) string) error {
	cfg.Confine = f.confine
	if !slices.Contains([]string{confine.On, confine.Strict, confine.Off}, cfg.Confine) {
		return hint("it is on, strict or off", "-confine %q is not known", cfg.Confine)
	}
	if cfg.SystemUser = f.systemUser; cfg.System != "off" && cfg.Confine != confine.Off && os.Geteuid() == 0 {
		if _, err := confine.FindUser(cfg.SystemUser); err != nil {
			return hint("give a user's name or number", "-system-user: %v", err)
		}
	}
	if f.given["system-user"] && os.Geteuid() != 0 {
		return hint("leave out -system-user, or start Convoy as root", "only root can start shells as another user")
	}
	cfg.DirGiven = f.given["dir"]
	return nil
}
