package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"convoy/audit"
)

const auditUsage = `The audit log says who did what on a node. Each line seals the one before it,
so that a change to what was written is found.

Usage:
    convoy audit verify [flags] [DIR]  say whether the log is as it was written
    convoy audit tail [flags] [DIR]    print its newest entries, the newest last

DIR is the directory of one node's log; default audit/HOST below -data, if there
is but one.

    -data DIR          directory of what nodes keep; default
                       $XDG_STATE_HOME/convoy (CONVOY_DATA)
    -json              the report, or each entry, as a line of JSON
    -n N               how many entries tail prints; default 20
    -since SEQ:HASH    what verify said the newest entry was, at another time:
                       all entries since are compared with it. Without it
                       nobody can tell whether the newest ones were cut off

The exit status is 0, and 1 if verify finds the log broken, 2 if it was asked
for something impossible, such as to read a log that is not there.
`

// auditFlags are the flags of convoy audit.
type auditFlags struct {
	dir   string
	json  bool
	n     int
	since []audit.Head
}

// auditCommand is convoy audit: it reads a log, also while a node writes it, and changes nothing.
func auditCommand(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	status, err := 0, error(nil)
	switch {
	case len(args) > 0 && args[0] == "verify":
		status, err = auditVerify(args[1:], getenv, stdout)
	case len(args) > 0 && args[0] == "tail":
		err = auditTail(args[1:], getenv, stdout)
	case len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help"}, args[0]):
		err = flag.ErrHelp
	default:
		err = hint("convoy audit -h lists them", "convoy audit takes verify or tail")
	}
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, auditUsage)
		return 0
	}
	if errors.Is(err, audit.ErrNone) {
		err = hint("name the directory of a node's log; it has files audit-….jsonl", "%w", err)
	}
	if err != nil {
		complain(stderr, err)
		return 2
	}
	return status
}

func auditVerify(args []string, getenv func(string) string, stdout io.Writer) (status int, err error) {
	f, err := readAuditFlags("verify", args, getenv)
	if err != nil {
		return 0, err
	}
	report, err := audit.Verify(f.dir, f.since...)
	if err != nil {
		return 0, err
	}
	if !report.Sound() {
		status = 1
	}
	if !f.json {
		fmt.Fprintf(stdout, "%v.\n", report)
		return status, nil
	}
	return status, json.NewEncoder(stdout).Encode(struct {
		Sound bool `json:"sound"`
		audit.Report
	}{report.Sound(), report})
}

func auditTail(args []string, getenv func(string) string, stdout io.Writer) error {
	f, err := readAuditFlags("tail", args, getenv)
	if err != nil {
		return err
	}
	list, err := audit.Tail(f.dir, f.n, nil)
	if err != nil {
		return err
	}
	text := slog.NewTextHandler(stdout, &slog.HandlerOptions{ReplaceAttr: auditAttr})
	for _, e := range slices.Backward(list) {
		if f.json {
			_, err = fmt.Fprintf(stdout, "%s\n", e.Line())
		} else {
			err = text.Handle(context.Background(), auditRecord(e))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// auditRecord is an entry as slog prints it: it quotes whatever could be mistaken for something else, or harm a
// terminal.
func auditRecord(e audit.Entry) slog.Record {
	r := slog.NewRecord(e.Time, slog.LevelInfo, e.Action, 0)
	r.AddAttrs(slog.Uint64("seq", e.Seq), slog.String("result", e.Result))
	for _, field := range []struct{ name, text string }{
		{"user", e.User}, {"role", e.Role}, {"addr", e.Addr}, {"target", e.Target}, {"node", e.Node}, {"detail", e.Detail},
	} {
		if field.text != "" {
			r.AddAttrs(slog.String(field.name, field.text))
		}
	}
	return r
}

// auditAttr names slog's own attributes as entries have them.
func auditAttr(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.LevelKey:
		return slog.Attr{}
	case slog.MessageKey:
		a.Key = "action"
	}
	return a
}

func readAuditFlags(command string, args []string, getenv func(string) string) (f auditFlags, err error) {
	set := flag.NewFlagSet("convoy audit "+command, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	data := set.String("data", getenv("CONVOY_DATA"), "")
	set.BoolVar(&f.json, "json", false, "")
	if command == "tail" {
		set.IntVar(&f.n, "n", 20, "")
	} else {
		set.Func("since", "", func(text string) error {
			head, err := audit.ParseHead(text)
			f.since = append(f.since, head)
			return err
		})
	}
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return f, err
	} else if err != nil {
		return f, hint("convoy audit -h lists the flags", "%v", err)
	}
	if *data == "" {
		*data = stateDir(getenv)
	}
	switch {
	case set.NArg() > 1:
		return f, hint("flags stand before the directory", "more than one directory to look at")
	case f.n < 0:
		return f, hint("0 or more", "-n %d is out of range", f.n)
	case set.NArg() == 1:
		f.dir = set.Arg(0)
		return f, nil
	case *data == "":
		return f, hint("name a directory", "there is no home directory, and so no log in it")
	}
	f.dir, err = onlyLog(filepath.Join(*data, "audit"))
	return f, err
}

// onlyLog is the log below a directory that holds one for each node of this machine.
func onlyLog(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return dir, nil // whoever reads it says what is wrong
	}
	var logs []string
	for _, e := range entries {
		if e.IsDir() {
			logs = append(logs, filepath.Join(dir, e.Name()))
		}
	}
	switch len(logs) {
	case 0:
		return dir, nil
	case 1:
		return logs[0], nil
	}
	return "", hint("name one of "+strings.Join(logs, ", "), "there are the logs of %d nodes", len(logs))
}
