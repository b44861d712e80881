package cli

import (
	"bufio"
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

const userUsage = `Users may log in to the console with a name and a password.

Usage:
    convoy user add [flags] NAME         add a user
    convoy user remove [flags] NAME      remove one
    convoy user role [flags] NAME ROLE   give one another role
    convoy user passwd [flags] NAME      give one another password
    convoy user list [flags]             list them

    -role ROLE         of a user to add: viewer, who looks; operator, who types
                       in Convoy shells and spawns nodes; admin, who may do
                       everything. Default viewer
    -users FILE        the file of users; default users, below -data
                       (CONVOY_USERS)
    -data DIR          directory of what nodes keep; default
                       $XDG_STATE_HOME/convoy (CONVOY_DATA)

A password is asked for on the terminal, or read from standard input as one
line; it is never an argument. The file has the form of htpasswd -B, with the
role as a third field; a node that runs sees each change.
`

// userFlags are the flags of convoy user.
type userFlags struct {
	file, role string
	args       []string
}

// userCommand is convoy user.
func userCommand(args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	err := runUser(args, getenv, stdin, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, userUsage)
		return 0
	case err != nil:
		complain(stderr, err)
		return 1
	}
	return 0
}

// userWants are how many names the commands take.
var userWants = map[string]int{"add": 1, "remove": 1, "role": 2, "passwd": 1, "list": 0}

func runUser(args []string, getenv func(string) string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		return hint("convoy user -h lists them", "convoy user takes add, remove, role, passwd or list")
	}
	want, ok := userWants[args[0]]
	if !ok {
		if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
			return flag.ErrHelp
		}
		return hint("convoy user -h lists them", "convoy user does not know %q", args[0])
	}
	f, err := readUserFlags(args[1:], getenv)
	if err != nil {
		return err
	}
	if len(f.args) != want {
		return hint("convoy user -h says what it takes", "convoy user %s takes %d names, not %d", args[0], want, len(f.args))
	}
	users, err := access.OpenUsers(f.file)
	if err != nil {
		return hint("mend the file, or name another with -users", "the users cannot be read: %w", err)
	}
	if args[0] == "list" {
		return listUsers(users, stdout)
	}
	if err := os.MkdirAll(filepath.Dir(f.file), 0o700); err != nil {
		return hint("name a file that you may write with -users", "the users cannot be kept: %w", err)
	}
	if err := f.change(args[0], users, stdin, stdout); err != nil {
		return hint("convoy user list -users "+f.file+" lists them", "%s: %w", f.args[0], err)
	}
	fmt.Fprintf(stdout, "%s: done, in %s\n", f.args[0], f.file)
	return nil
}

// change does what one of the commands says.
func (f userFlags) change(command string, users *access.Users, stdin io.Reader, stdout io.Writer) error {
	name := f.args[0]
	switch command {
	case "remove":
		return users.Remove(name)
	case "role":
		role, err := access.ParseRole(f.args[1])
		if err != nil {
			return err
		}
		return users.SetRole(name, role)
	}
	role, err := access.ParseRole(f.role)
	if err != nil {
		return err
	}
	if err := access.CheckName(strings.ToLower(name)); err != nil {
		return err
	}
	password, err := readPassword(stdin, stdout)
	if err != nil {
		return err
	}
	if command == "add" {
		return users.Add(name, password, role)
	}
	return users.SetPassword(name, password)
}

// readPassword reads a password: twice and unseen from a terminal, else one line.
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
	for i, ask := range []string{"Password: ", "Once more: "} {
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

func readUserFlags(args []string, getenv func(string) string) (f userFlags, err error) {
	set := flag.NewFlagSet("convoy user", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	set.StringVar(&f.role, "role", "viewer", "")
	set.StringVar(&f.file, "users", getenv("CONVOY_USERS"), "")
	data := set.String("data", getenv("CONVOY_DATA"), "")
	for { // flags may stand behind a name as well
		if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
			return f, err
		} else if err != nil {
			return f, hint("convoy user -h lists the flags", "%v", err)
		}
		if set.NArg() == 0 {
			break
		}
		f.args = append(f.args, set.Arg(0))
		args = set.Args()[1:]
	}
	if *data == "" {
		*data = stateDir(getenv)
	}
	if f.file == "" && *data == "" {
		return f, hint("name a file with -users", "there is no home directory, and so no file of users in it")
	}
	if f.file == "" {
		f.file = filepath.Join(*data, "users")
	}
	return f, nil
}

func (cfg *config) checkUsers(f flags, _ func(string) string) error {
	if cfg.Users = f.users; cfg.Users == "" && cfg.Data != "" {
		cfg.Users = filepath.Join(cfg.Data, "users")
	}
	if cfg.Users == "" {
		return nil
	}
	cfg.Users, _ = filepath.Abs(cfg.Users)
	if _, err := access.OpenUsers(cfg.Users); err != nil {
		return hint("convoy user makes such a file", "the users cannot be read: %w", err)
	}
	return nil
}
