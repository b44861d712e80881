package cli

import (
	"cmp"
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

// auditFlags are the flags of convoy audit.
type auditFlags struct {
	dir, data string
	json      bool
	n         int
	since     []audit.Head
}

// groups are the flags of both commands, of verify and of tail.
func (f *auditFlags) groups() []flagGroup {
	return []flagGroup{
		{"Flags", func(set *flag.FlagSet) {
			set.StringVar(&f.data, "data", "",
				"DIR directory with the files of nodes; default $XDG_STATE_HOME/convoy (CONVOY_DATA)")
			set.BoolVar(&f.json, "json", false, "print the report, or each entry, as a line of JSON")
		}},
		{"Flags of verify", func(set *flag.FlagSet) {
			set.Func("since", "SEQ:HASH the newest entry, as an earlier verify printed it: check all entries since then, "+
				"too. Without it, nobody can tell whether the newest entries were cut off",
				func(text string) error {
					head, err := audit.ParseHead(text)
					f.since = append(f.since, head)
					return err
				})
		}},
		{"Flags of tail", func(set *flag.FlagSet) { set.IntVar(&f.n, "n", 20, "N how many entries to print") }},
	}
}

// runAudit is convoy audit. It reads a log, even while a node writes it, and changes nothing.
func runAudit(_ context.Context, c call) (status int, err error) {
	var f auditFlags
	groups := f.groups()
	switch strings.Join(c.args[:min(1, len(c.args))], "") {
	case "verify":
		if err = f.read(c, groups[0], groups[1]); err == nil {
			status, err = f.verify(c.stdout)
		}
	case "tail":
		if err = f.read(c, groups[0], groups[2]); err == nil {
			err = f.tail(c.stdout)
		}
	default:
		if err = parse(newFlagSet("convoy audit", groups...), c.args); err == nil {
			err = hint("convoy audit -h lists them", "convoy audit takes verify or tail")
		}
	}
	if errors.Is(err, audit.ErrNone) {
		err = hint("name the directory of a node's log; it has files audit-….jsonl", "%w", err)
	}
	if err != nil {
		return 2, err
	}
	return status, nil
}

func (f *auditFlags) verify(stdout io.Writer) (status int, err error) {
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

func (f *auditFlags) tail(stdout io.Writer) error {
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

// auditRecord is an entry for slog, which quotes values that are ambiguous or could harm a terminal.
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

// auditAttr gives slog's own attributes the names of an entry's fields.
func auditAttr(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.LevelKey:
		return slog.Attr{}
	case slog.MessageKey:
		a.Key = "action"
	}
	return a
}

// read reads the flags of a command, and finds the log.
func (f *auditFlags) read(c call, groups ...flagGroup) (err error) {
	set := newFlagSet("convoy audit", groups...)
	if err := parse(set, c.args[1:]); err != nil {
		return err
	}
	data := cmp.Or(f.data, c.getenv("CONVOY_DATA"), stateDir(c.getenv))
	switch {
	case set.NArg() > 1:
		return hint("flags come before the directory", "more than one directory")
	case f.n < 0:
		return hint("0 or more", "-n %d is out of range", f.n)
	case set.NArg() == 1:
		f.dir = set.Arg(0)
		return nil
	case data == "":
		return hint("name a directory", "there is no home directory, and so no default log")
	}
	f.dir, err = defaultLog(filepath.Join(data, "audit"))
	return err
}

// defaultLog is the only log below a directory that has one for each node of this machine.
func defaultLog(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return dir, nil // reading the log reports the error
	}
	var logs []string
	for _, e := range entries {
		if e.IsDir() {
			logs = append(logs, filepath.Join(dir, e.Name()))
		}
	}
	if len(logs) > 1 {
		return "", hint("name one of "+strings.Join(logs, ", "), "there are the logs of %d nodes", len(logs))
	}
	return append(logs, dir)[0], nil
}
