package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Report says what a confined process of this machine could do.
type Report struct {
	UID      int       `json:"uid"`
	Landlock int       `json:"landlock"` // version of its interface; 0: none
	NoNew    bool      `json:"no_new_privileges"`
	Attempts []Attempt `json:"attempts"`
}

// Done is one attempt.
type Attempt struct {
	Name      string `json:"what"`
	Succeeded bool   `json:"worked"`
	Error     string `json:"said"` // how it was refused
}

// The attempts, as Done.What names them.
const (
	ReadEnviron = "read the node's environment"
	ReadMemory  = "read the node's memory"
	ReadFDs     = "see the node's descriptors"
	Trace       = "trace the node"
	Kill        = "end the node"
	ReadStore   = "read what the node keeps"
	Terminals   = "read what is typed in other system shells"
	Sockets     = "have the node user's other programs act for it, by their sockets"
)

// Decoys are what a node puts up for Try: what else there is of their kind is as open, or as closed.
type Decoys struct {
	Terminal string // path of a terminal, given to nobody else than another system shell's is
	Socket   string // path of a Unix socket at which the node's user listens
}

// Try has this process, which has entered its plan, attempt what it must not be able to do to the node, its parent, and
// to what the plan hides and to the decoys, and returns the Report. Nothing is changed by an attempt that works.
func (p Plan) Probe(at Decoys) Report {
	node := os.Getppid()
	said := Report{UID: os.Getuid(), Landlock: LandlockVersion(), NoNew: noNewPrivileges()}
	proc := fmt.Sprintf("/proc/%d/", node)
	for _, one := range []struct {
		what string
		try  func() error
	}{
		{ReadEnviron, func() error { return open(proc + "environ") }},
		{ReadMemory, func() error { return open(proc + "mem") }},
		{ReadFDs, func() error { _, err := os.ReadDir(proc + "fd"); return err }},
		{Trace, func() error { return tryTrace(node) }},
		{Kill, func() error { return syscall.Kill(node, 0) }},
		{ReadStore, func() error { return openAny(p.Hide) }},
		{Terminals, func() error { return openTerminal(at.Terminal) }},
		{Sockets, func() error { return connect(at.Socket) }},
	} {
		done := Attempt{Name: one.what}
		if err := one.try(); err != nil {
			done.Error = cause(err)
		} else {
			done.Succeeded = true
		}
		said.Attempts = append(said.Attempts, done)
	}
	return said
}

// ReadReport reads what Try wrote.
func ReadReport(text []byte) (said Report, err error) {
	if err = json.Unmarshal(text, &said); err == nil && len(said.Attempts) == 0 {
		err = errors.New("nothing was tried")
	}
	return said, err
}

// Could reports whether an attempt worked.
func (r Report) Allowed(what string) bool {
	for _, one := range r.Attempts {
		if one.Name == what {
			return one.Succeeded
		}
	}
	return true // it was not tried
}

func open(path string) error {
	f, err := os.Open(path)
	if err == nil {
		f.Close() //nolint:errcheck // it was only tried
	}
	return err
}

// openTerminal opens a terminal that is not this process's. Without Landlock there is another way to it: by the
// descriptors of the programs there, which are of the same user.
func openTerminal(path string) error {
	if LandlockVersion() == 0 {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOCTTY, 0)
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NOCTTY, 0)
	}
	if err == nil {
		f.Close() //nolint:errcheck // it was only tried
	}
	return err
}

func connect(path string) error {
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close() //nolint:errcheck // it was only tried
	}
	return err
}

var errNoFile = errors.New("there is nothing")

// anyFile opens the first file that can be opened in those paths.
func openAny(paths []string) (err error) {
	err = errNoFile
	for _, path := range paths {
		filepath.WalkDir(path, func(path string, e os.DirEntry, walkErr error) error { //nolint:errcheck // it is told by err
			if walkErr != nil {
				err = walkErr
				return nil
			}
			if !e.Type().IsRegular() {
				return nil
			}
			if err = open(path); err == nil {
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

func cause(err error) string {
	var of *os.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	var call *net.OpError
	if errors.As(err, &call) {
		err = call.Err
	}
	var system *os.SyscallError
	if errors.As(err, &system) {
		err = system.Err
	}
	return strings.ToValidUTF8(err.Error(), "?")
}
