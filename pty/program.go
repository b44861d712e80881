package pty

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Program is a program that shells run.
type Program struct {
	Kind string   // name for OpenOptions
	Name string   // title of its shells; "": the file's name
	Args []string // program and arguments; required
	Env  []string // complete environment
	Dir  string   // working directory unless OpenOptions sets one; "": Config.Dir
	// Start, if set, starts the program in place of this package: in the directory, and in a session of its own whose
	// controlling terminal and standard descriptors are tty. It calls began once, when the process is the program: until
	// then the process may be in another directory. The program has no Attachment.File.
	Start func(dir string, tty *os.File, began func()) (*exec.Cmd, error)
	// ExclusiveTTY means that only root can open the terminal by name (TIOCEXCL), not even the program.
	ExclusiveTTY bool
	// Attach, if set, is called at each start. right returns Shell.Right at any time.
	Attach func(right func() string) (Attachment, error)
	// Reattach is Attach for a shell that an earlier process left with the Keeper: keep is what that one's Attachment
	// had as Keep, nil if none. It owns keep. After an error the shell is hung up.
	Reattach func(right func() string, keep *os.File) (Attachment, error)
}

// Attachment accompanies a program while it runs.
type Attachment struct {
	Args  []string // additional arguments
	File  *os.File // the program's descriptor 3; may be nil
	Keep  *os.File // the node's end of File, for Program.Reattach; may be nil. Close closes it
	Close func()   // called when the program has ended
	// Busy, if set, is what the program runs now that its end would stop, as Info.Busy; "": nothing. It is not known
	// until a program that Reattach continues has told.
	Busy func() (what string, known bool)
	// Watch, if set, is called once. It calls changed whenever Busy has changed.
	Watch func(changed func())
}

// name is the program's name.
func (p Program) name() string {
	if p.Name != "" {
		return p.Name
	}
	return filepath.Base(p.Args[0])
}

// attach adds the attachment to a command.
func (p Program) attach(cmd *exec.Cmd, right func() string) (Attachment, error) {
	if p.Attach == nil {
		return Attachment{Close: func() {}}, nil
	}
	attachment, err := p.Attach(right)
	if err != nil {
		return Attachment{}, err
	}
	cmd.Args = append(cmd.Args, attachment.Args...)
	if attachment.File != nil {
		cmd.ExtraFiles = []*os.File{attachment.File}
	}
	return attachment, nil
}

// startProgram starts a command in a directory, on a terminal.
func (s *Shell) startProgram(cmd *exec.Cmd, dir string, tty *os.File) (*exec.Cmd, error) {
	if start := s.program.Start; start != nil {
		s.startsIn.Store(&dir)
		return start(dir, tty, func() { s.startsIn.Store(nil) })
	}
	cmd.Dir = dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return cmd, cmd.Start()
}

// closeFile closes this process's copy of the descriptor.
func (c Attachment) closeFile() {
	if c.File != nil {
		c.File.Close() //nolint:errcheck // nothing was written to it
	}
}
