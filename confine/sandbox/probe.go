package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"convoy/confine"
)

// Report is what a confined process could do on this machine.
type Report struct {
	UID      int       `json:"uid"`
	Landlock int       `json:"landlock"` // version of its interface; 0: none
	NoNew    bool      `json:"no_new_privileges"`
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one attempt to break out.
type Attempt struct {
	Name      string `json:"what"`
	Succeeded bool   `json:"worked"`
	Error     string `json:"said"` // how it was refused
}

// The names of the attempts. They complete "a system shell can …".
const (
	ReadEnviron = "read the node's environment"
	ReadMemory  = "read the node's memory"
	ReadFDs     = "list the node's descriptors"
	Trace       = "trace the node"
	Kill        = "end the node"
	ReadStore   = "read the node's files"
	Terminals   = "read what is typed in other system shells"
	Sockets     = "control other programs of the node's user through their sockets"
)

// Decoys are the targets of some attempts; real ones are as accessible as these.
type Decoys struct {
	Terminal string // path of a terminal like that of another system shell
	Socket   string // path of a Unix socket of the node's user
}

// Probe attempts, in a process that has entered its plan, what must not be possible: against the node, which is the
// parent, the hidden paths, and the decoys. An attempt that succeeds changes nothing.
func Probe(plan confine.Plan, decoys Decoys) Report {
	node := os.Getppid()
	report := Report{UID: os.Getuid(), Landlock: confine.LandlockVersion(), NoNew: noNewPrivileges()}
	proc := fmt.Sprintf("/proc/%d/", node)
	for _, one := range []struct {
		name string
		try  func() error
	}{
		{ReadEnviron, func() error { return attempt(os.Open(proc + "environ")) }},
		{ReadMemory, func() error { return attempt(os.Open(proc + "mem")) }},
		{ReadFDs, func() error { _, err := os.ReadDir(proc + "fd"); return err }},
		{Trace, func() error { return tryTrace(node) }},
		{Kill, func() error { return syscall.Kill(node, 0) }},
		{ReadStore, func() error { return openAny(plan.Hide) }},
		{Terminals, func() error { return openTerminal(decoys.Terminal) }},
		{Sockets, func() error { return attempt(net.Dial("unix", decoys.Socket)) }},
	} {
		made := Attempt{Name: one.name}
		if err := one.try(); err != nil {
			made.Error = cause(err)
		} else {
			made.Succeeded = true
		}
		report.Attempts = append(report.Attempts, made)
	}
	return report
}

// ReadReport parses a Report.
func ReadReport(text []byte) (report Report, err error) {
	if err = json.Unmarshal(text, &report); err == nil && len(report.Attempts) == 0 {
		err = errors.New("the report has no attempts")
	}
	return report, err
}

// Allowed reports whether an attempt succeeded.
func (r Report) Allowed(what string) bool {
	for _, one := range r.Attempts {
		if one.Name == what {
			return one.Succeeded
		}
	}
	return true // it was not made
}

// attempt closes what was opened only to see whether it can be.
func attempt(opened io.Closer, err error) error {
	if err == nil {
		opened.Close() //nolint:errcheck // nothing was written
	}
	return err
}

// openTerminal opens another terminal. Without Landlock the attempt is skipped, because the terminal can be reached
// anyway, through the descriptors of the user's programs.
func openTerminal(path string) error {
	if confine.LandlockVersion() == 0 {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOCTTY, 0)
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NOCTTY, 0)
	}
	return attempt(f, err)
}

var errNoFile = errors.New("there is nothing to read")

// openAny opens the first file in those paths that it can.
func openAny(paths []string) (err error) {
	err = errNoFile
	for _, path := range paths {
		filepath.WalkDir(path, func(path string, e os.DirEntry, walkErr error) error { //nolint:errcheck // err has the reason
			if walkErr != nil {
				err = walkErr
				return nil
			}
			if !e.Type().IsRegular() {
				return nil
			}
			if err = attempt(os.Open(path)); err == nil {
				return filepath.SkipAll
			}
			return nil
		})
		if err == nil {
			return nil
		}
	}
	return err
}

// cause returns the system's error, without paths.
func cause(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return strings.ToValidUTF8(err.Error(), "?")
}
