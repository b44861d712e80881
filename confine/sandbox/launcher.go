package sandbox

import (
	"net"
	"os"
	"os/exec"
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
	args, env []string
	pair      Pair

	mu     sync.Mutex
	spare  *starter // nil: none waits
	closed bool
}

// Pair returns the two ends of a Unix stream socket: a *net.UnixConn for this process, and one for a child. The caller
// closes both.
type Pair func() (ours net.Conn, theirs *os.File, err error)

// starter is a process that becomes the program when it gets a terminal.
type starter struct {
	cmd  *exec.Cmd
	conn *net.UnixConn // its descriptor 3, which execve closes
}

// Launcher returns a launcher of a program with a complete environment. Close it.
func (s *Sandbox) Launcher(args, env []string, pair Pair) *Launcher {
	return &Launcher{
		args: append([]string{s.exe, confine.Subcommand, s.Plan.String(), confine.AwaitTask}, args...),
		env:  env,
		pair: pair,
	}
}

// Start starts the program in a directory and in a session of its own with a terminal, and calls began when the process
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
	if p == nil {
		var err error
		if p, err = l.begin(); err != nil {
			return nil, err
		}
		if err := p.send(dir, tty); err != nil {
			p.end()
			return nil, err
		}
	}
	go func() { // ends with the start
		p.conn.SetReadDeadline(time.Now().Add(execTimeout)) //nolint:errcheck // the next line fails then
		p.conn.Read(make([]byte, 1))                        //nolint:errcheck // EOF, or the deadline
		p.conn.Close()
		began()
		l.prepare()
	}()
	return p.cmd, nil
}

// begin starts a process that waits.
func (l *Launcher) begin() (*starter, error) {
	ours, theirs, err := l.pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(l.args[0], l.args[1:]...)
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
	l.spare, _ = l.begin() //nolint:errcheck // the next start reports it
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
