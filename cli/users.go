package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"convoy/access"
)

// userFlags are the flags of convoy user, and its arguments after the command.
type userFlags struct {
	file, role, data string
	command          string
	as               access.Role // of role
	args             []string
}

func (f *userFlags) declare(set *flag.FlagSet) {
	set.StringVar(&f.role, "role", "viewer",
		"viewer|operator|admin role for add: a viewer views; an operator types in Convoy shells and spawns nodes; "+
			"an admin may do everything")
	set.StringVar(&f.file, "users", "", "FILE the file of users; default users, below -data (CONVOY_USERS)")
	set.StringVar(&f.data, "data", "",
		"DIR directory with the files of nodes; default $XDG_STATE_HOME/convoy (CONVOY_DATA)")
}

// userArgs are the arguments of each command.
var userArgs = map[string]string{"add": "NAME", "remove": "NAME", "role": "NAME ROLE", "passwd": "NAME", "list": ""}

// runUser is convoy user.
func runUser(_ context.Context, c call) (int, error) {
	f, err := readUserFlags(c)
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return 2, err
	}
	return exit(f.edit(c))
}

// check checks the command and its arguments, but for the user's name.
func (f *userFlags) check() error {
	if len(f.args) == 0 {
		return hint("convoy user -h lists them", "convoy user takes add, remove, role, passwd or list")
	}
	f.command, f.args = f.args[0], f.args[1:]
	want, ok := userArgs[f.command]
	switch {
	case !ok:
		return hint("convoy user -h lists them", "convoy user does not know %q", f.command)
	case len(f.args) != len(strings.Fields(want)):
		return hint("convoy user -h describes it", "convoy user %s takes %s", f.command, cmp.Or(want, "no arguments"))
	case f.command == "role":
		f.role = f.args[1]
	}
	role, err := access.ParseRole(f.role)
	if err != nil {
		return hint("convoy user -h describes them", "%w", err)
	}
	f.as = role
	return nil
}

func (f *userFlags) edit(c call) error {
	users, err := access.OpenUsers(f.file, func(err error) {
		fmt.Fprintf(c.stderr, "convoy: warning: these cannot log in: %v\n", err)
	})
	if err != nil {
		return hint("correct the file, or name another with -users", "the users cannot be read: %w", err)
	}
	if f.command == "list" {
		return listUsers(users, c.stdout)
	}
	if err := os.MkdirAll(filepath.Dir(f.file), 0o700); err != nil {
		return hint("name a file that you may write to with -users", "the users cannot be kept: %w", err)
	}
	if err := f.change(users, c); err != nil {
		return hint("convoy user list -users "+f.file+" lists them", "%s: %w", f.args[0], err)
	}
	fmt.Fprintf(c.stdout, "%s: done, in %s\n", f.args[0], f.file)
	return nil
}

// change runs one of the commands that change users.
func (f *userFlags) change(users *access.Users, c call) error {
	name := f.args[0]
	switch f.command {
	case "remove":
		return users.Remove(name)
	case "role":
		return users.SetRole(name, f.as)
	}
	if err := access.CheckName(strings.ToLower(name)); err != nil {
		return err
	}
	password, err := readPassword(c.stdin, c.stdout)
	if err != nil {
		return err
	}
	if f.command == "add" {
		return users.Add(name, password, f.as)
	}
	return users.SetPassword(name, password)
}

// readPassword reads a password: twice and without echo from a terminal, else one line.
func readPassword(stdin io.Reader, stdout io.Writer) (string, error) {
	file, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		text, err := bufio.NewReader(io.LimitReader(stdin, 4096)).ReadString('\n')
		if err != nil && !(errors.Is(err, io.EOF) && text != "") {
			return "", errors.New("there is no password on standard input")
		}
		return strings.TrimRight(text, "\r\n"), nil
	}
	var typed [2]string
	for i, ask := range []string{"Password: ", "Repeat password: "} {
		fmt.Fprint(stdout, ask)
		text, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(stdout)
		if err != nil {
			return "", err
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ")
	}
	return typed[0], nil
}

func listUsers(users *access.Users, stdout io.Writer) error {
	list, err := users.List()
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	for _, u := range list {
		fmt.Fprintf(out, "%s\t%s\n", u.Name, u.Role)
	}
	return out.Flush()
}

// readUserFlags reads flags before, between and after the arguments.
func readUserFlags(c call) (f userFlags, err error) {
	set := newFlagSet("convoy user", flagGroup{"", f.declare})
	for args := c.args; ; {
		if err := parse(set, args); err != nil {
			return f, err
		}
		if set.NArg() == 0 {
			break
		}
		f.args = append(f.args, set.Arg(0))
		args = set.Args()[1:]
	}
	f.file = cmp.Or(f.file, c.getenv("CONVOY_USERS"))
	if data := cmp.Or(f.data, c.getenv("CONVOY_DATA"), stateDir(c.getenv)); f.file == "" && data != "" {
		f.file = filepath.Join(data, "users")
	}
	if f.file == "" {
		return f, hint("name a file with -users", "there is no home directory, and so no default file of users")
	}
	return f, nil
}
