package pty

import (
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Program is a program that shells run.
type Program struct {
	Kind string   // name for OpenOptions
	Name string   // title of its shells; "": the file's name
	Args []string // program and arguments; required
	Env  []string // complete environment
	Dir  string   // working directory unless OpenOptions sets one; "": Config.Dir
	// EntersDir means that the program enters its working directory itself, with the rights that it has then, and
	// executes another program (execve(2)). It starts in /, with the directory in PWD.
	EntersDir bool
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
	// Busy, if set, is what the program runs now that its end would stop, as Info.Busy; "": nothing.
	Busy func() string
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

// enterWait limits how long a program may take to enter its directory and execute another.
const enterWait = 10 * time.Second

// start starts a command in a directory. If the program enters it itself, start returns after that.
func (p Program) start(cmd *exec.Cmd, dir string) error {
	if !p.EntersDir {
		cmd.Dir = dir
		return cmd.Start()
	}
	cmd.Dir, cmd.Env = "/", append(cmd.Env, "PWD="+dir)
	ours, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ours.Close()
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs) // closed by execve
	err = cmd.Start()
	theirs.Close()
	if err == nil {
		ours.SetReadDeadline(time.Now().Add(enterWait))
		ours.Read(make([]byte, 1)) // EOF, or the deadline
	}
	return err
}

// closeFile closes this process's copy of the descriptor.
func (c Attachment) closeFile() {
	if c.File != nil {
		c.File.Close() //nolint:errcheck // nothing was written to it
	}
}
