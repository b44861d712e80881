package sandbox

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"convoy/confine"
)

const (
	// execTimeout limits how long a process may take to become its program.
	execTimeout = 10 * time.Second
	// spawnTimeout limits how long a process that has waited may take to start its program.
	spawnTimeout = time.Second
	// headStart is how long after a start the next process begins. Most shells have their prompt by then, and a new
	// process takes as much CPU as a shell.
	headStart = 30 * time.Millisecond
)

// Launcher starts one program, confined, on terminals. Soon after a start, a process waits for the next one, because a
// process of this binary takes longer to begin than most programs. It ends with the node. Safe for concurrent use.
type Launcher struct {
	self, args, env []string // to start this binary confined, then the task and args
	pair            Pair

	mu     sync.Mutex
	spare  *starter // nil: none waits
	closed bool
}

// Pair returns the two ends of a Unix stream socket: a *net.UnixConn for this process, and one for a child. The caller
// closes both.
type Pair func() (ours net.Conn, theirs *os.File, err error)

// starter is a process that becomes the program, or starts it, when it gets a terminal.
type starter struct {
	cmd  *exec.Cmd
	conn *net.UnixConn // its descriptor 3, which execve closes
}

// Launcher returns a launcher of a program with a complete environment. Close it.
func (s *Sandbox) Launcher(args, env []string, pair Pair) *Launcher {
	return &Launcher{
		self: []string{s.exe, confine.Subcommand, s.Plan.String()},
		args: args,
		env:  env,
		pair: pair,
	}
}

// Start starts the program in a directory and in a session of its own with a terminal, and calls began when a process
// has become the program or, because it could not, has said why on the terminal. The caller waits for the process.
func (l *Launcher) Start(dir string, tty *os.File, began func()) (*exec.Cmd, error) {
	if len(dir) > confine.MaxDir {
		return nil, syscall.ENAMETOOLONG
	}
	p, program := l.startWarm(dir, tty)
	if program != nil {
		began()
		p.conn.Close()
		go p.kill()
		time.AfterFunc(headStart, l.prepare)
		return program, nil
	}
	if p == nil {
		var err error
		if p, err = l.begin(confine.AwaitTask); err != nil {
			return nil, err
		}
		if err := p.send(dir, tty); err != nil {
			p.end()
			return nil, err
		}
	}
	go l.follow(p, began)
	return p.cmd, nil
}

// startWarm has the process that waits start the program. Without a program, the process becomes it or has printed why
// it cannot; without a process, nothing has started the program.
func (l *Launcher) startWarm(dir string, tty *os.File) (p *starter, program *exec.Cmd) {
	l.mu.Lock()
	p = l.spare
	l.spare = nil
	l.mu.Unlock()
	if p == nil {
		return nil, nil
	}
	pid, err := 0, p.send(dir, tty)
	if err == nil {
		p.conn.SetReadDeadline(time.Now().Add(spawnTimeout)) //nolint:errcheck // the next line fails then
		pid, err = confine.ReadPid(p.conn)
	}
	switch {
	case errors.Is(err, io.EOF):
		l.stop() // each attempt may leave a process that nobody waits for
		return p, nil
	case err != nil: // something has killed or stopped it
		go p.end()
		return nil, nil
	case pid == 0:
		return p, nil
	}
	return p, &exec.Cmd{
		Path:    p.cmd.Path,
		Args:    p.cmd.Args,
		Process: child(pid),
	}
}

// child returns a child of this process that nobody has waited for.
func child(pid int) *os.Process {
	p, _ := os.FindProcess(pid) //nolint:errcheck // "On Unix systems, FindProcess always succeeds"
	return p
}

// follow waits until the process has become the program, or has ended, and prepares the next one.
func (l *Launcher) follow(p *starter, began func()) {
	p.conn.SetReadDeadline(time.Now().Add(execTimeout)) //nolint:errcheck // the next line fails then
	p.conn.Read(make([]byte, 1))                        //nolint:errcheck // EOF, or the deadline
	p.conn.Close()
	began()
	time.AfterFunc(headStart, l.prepare)
}

// begin starts a process that waits, for a task.
func (l *Launcher) begin(task string) (*starter, error) {
	ours, theirs, err := l.pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(l.self[0], slices.Concat(l.self[1:], []string{task}, l.args)...)
	cmd.Dir, cmd.Env = "/", l.env
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	return &starter{cmd, ours.(*net.UnixConn)}, nil
}

// send gives the process its directory and terminal.
func (s *starter) send(dir string, tty *os.File) error {
	_, _, err := s.conn.WriteMsgUnix([]byte(dir), syscall.UnixRights(int(tty.Fd())), nil)
	return err
}

// end ends a process that has not become the program, and a program that it has started too late.
func (s *starter) end() {
	defer s.conn.Close()
	s.kill()
	s.conn.SetReadDeadline(time.Now().Add(execTimeout)) //nolint:errcheck // the next line fails then
	if pid, err := confine.ReadPid(s.conn); err == nil && pid != 0 {
		program := child(pid)
		program.Kill() //nolint:errcheck // it has ended
		program.Wait() //nolint:errcheck // its status does not matter
	}
}

// kill ends the process, and waits for that.
func (s *starter) kill() {
	s.cmd.Process.Kill() //nolint:errcheck // it has ended
	s.cmd.Wait()         //nolint:errcheck // its status does not matter
}

// prepare starts a process for the next program.
func (l *Launcher) prepare() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.spare != nil {
		return
	}
	l.spare, _ = l.begin(confine.SpareTask) //nolint:errcheck // the next start reports it
}

// stop prepares no more processes.
func (l *Launcher) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// Close ends the process that waits, if any. Programs that were started run on.
func (l *Launcher) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.spare != nil {
		l.spare.end()
	}
	l.spare = nil
}
