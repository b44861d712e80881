package sandbox

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"convoy/confine"
)

// execTimeout limits how long a process may take to become its program.
const execTimeout = 10 * time.Second

// Launcher starts one program, confined, on terminals. After the first start, a process waits for the next one, because
// a process of this binary takes longer to begin than most programs. It ends with the node. Safe for concurrent use.
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
	l.mu.Lock()
	p := l.spare
	l.spare = nil
	l.mu.Unlock()
	if p != nil && p.send(dir, tty) != nil { // something has killed it
		p.end()
		p = nil
	}
	if p != nil {
		if cmd := p.spawned(); cmd != nil {
			began()
			go l.follow(p, func() { p.cmd.Wait() }) //nolint:errcheck // it has no status of interest
			return cmd, nil
		}
		l.stop() // each attempt may leave a process that nobody waits for
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

// follow waits until the process has become the program, or has ended, and prepares the next one.
func (l *Launcher) follow(p *starter, began func()) {
	p.conn.SetReadDeadline(time.Now().Add(execTimeout)) //nolint:errcheck // the next line fails then
	p.conn.Read(make([]byte, 1))                        //nolint:errcheck // EOF, or the deadline
	p.conn.Close()
	began()
	l.prepare()
}

// spawned waits for the program that the process starts, and returns it; nil: the process becomes the program, or has
// printed why it cannot.
func (s *starter) spawned() *exec.Cmd {
	s.conn.SetReadDeadline(time.Now().Add(execTimeout)) //nolint:errcheck // the next line fails then
	pid, err := confine.ReadPid(s.conn)
	if err != nil {
		return nil
	}
	program, err := os.FindProcess(pid) // it is a child of this process
	if err != nil {
		return nil
	}
	return &exec.Cmd{Path: s.cmd.Path, Args: s.cmd.Args, Process: program}
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

// end ends a process that waits.
func (s *starter) end() {
	s.conn.Close()
	s.cmd.Process.Kill() //nolint:errcheck // it has ended
	s.cmd.Wait()         //nolint:errcheck // it has not become the program
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
