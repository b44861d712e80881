package pty

import (
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Program is something that shells run.
type Program struct {
	Kind string   // what a Place calls it
	Name string   // what its shells are called; "": as its file is
	Args []string // the program with its arguments; required
	Env  []string // its whole environment
	Dir  string   // that it starts in if no Place says another; "": Config.Dir
	// Enters is set for a program that enters its working directory itself, with what power it has then, and becomes
	// another (execve(2)): PWD of its environment names the directory, and it starts in /.
	Enters bool
	// Alone is set for a program that never opens its terminal by a name: then nobody can, but root (TIOCEXCL).
	Alone bool
	// Accompany, if there is one, is asked at each start for what goes along with it. right tells Shell.Right at any time.
	Accompany func(right func() string) (Company, error)
}

// Company goes along with a program for as long as it runs.
type Company struct {
	Args  []string // further arguments of the program
	File  *os.File // is the program's descriptor 3; nil: it has none
	Close func()   // is called once the program has ended
}

// name is what the program is called.
func (p Program) name() string {
	if p.Name != "" {
		return p.Name
	}
	return filepath.Base(p.Args[0])
}

// accompany gives a command what goes along with it.
func (p Program) accompany(cmd *exec.Cmd, right func() string) (Company, error) {
	if p.Accompany == nil {
		return Company{Close: func() {}}, nil
	}
	company, err := p.Accompany(right)
	if err != nil {
		return Company{}, err
	}
	cmd.Args = append(cmd.Args, company.Args...)
	if company.File != nil {
		cmd.ExtraFiles = []*os.File{company.File}
	}
	return company, nil
}

// enterWait bounds how long a program may take to enter its working directory, and become another.
const enterWait = 10 * time.Second

// start starts a command of this program in a directory. If it enters it itself, start returns when it has.
func (p Program) start(cmd *exec.Cmd, dir string) error {
	if !p.Enters {
		cmd.Dir = dir
		return cmd.Start()
	}
	cmd.Dir, cmd.Env = "/", append(cmd.Env, "PWD="+dir)
	ours, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ours.Close()
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs) // is closed when it becomes another
	err = cmd.Start()
	theirs.Close()
	if err == nil {
		ours.SetReadDeadline(time.Now().Add(enterWait))
		ours.Read(make([]byte, 1)) // the end, or too late
	}
	return err
}

// started lets go of the program's own end, which the program has now.
func (c Company) started() {
	if c.File != nil {
		c.File.Close() //nolint:errcheck // nothing was written to it
	}
}
