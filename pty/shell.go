package pty

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"convoy/pty/screen"
)

// Exit says how a shell's program ended: with a code, or by a signal.
type Exit struct {
	Code   int    // -1 if a signal ended it; 127 if it could not be started
	Signal string // such as "SIGKILL", or ""
}

// exitNotStarted is the code of a program that could not be started, as in sh.
const exitNotStarted = 127

// Shell is a program on a pseudo-terminal, with the last of its output and its
// viewers. Shells are made by a [Table].
type Shell struct {
	id       string
	program  Program
	started  time.Time
	window   int           // bytes a viewer may be ahead of its Ack
	stall    time.Duration // without an Ack, before a viewer is let go of
	ahead    int64         // bytes the reader may be ahead of the viewers
	patience time.Duration
	log      *slog.Logger
	onChange func() // called without locks after Info has changed, but for End

	cmd      *exec.Cmd
	company  Company       // of the program
	terminal *terminal     // nil if the program could not be started
	dead     chan struct{} // closed when the program has ended
	readDone chan struct{} // closed when the reader has ended
	ended    chan struct{} // closed when both goroutines are done
	resume   chan struct{} // holds one token for the waiting reader

	toll *toll // of the table
	owes int   // what the reader has drawn beyond what is free; the reader's own

	turn   chan struct{} // holds a token while somebody writes
	typed  int           // bytes written since the terminal was known to be empty; the turn's owner's
	urgent atomic.Int32  // signals that wait for their turn

	mu        sync.Mutex // guards what follows
	right     string     // in whose name it acts
	ring      ring
	sizes     sizes
	pid       int
	exit      *Exit
	removed   bool
	viewers   map[string]*viewer
	inputs    uint64 // how often something was typed: the echo of it is waited for
	followers []*follower
	seen      uint64
	numbered  int            // viewers so far
	present   uint64         // changes of who is there
	there     attendance     // who that was, when somebody was told last
	owner     *viewer        // whose room the size is; nil: nobody's
	pinned    bool           // and stays, whoever types
	dir       string         // the program's, when somebody last ended a line
	active    time.Time      // when something was typed or put out last
	title     string         // of the screen, as it was told last
	telling   *time.Timer    // that the title is another; nil: nothing to tell
	screen    *screen.Screen // what a viewer sees
	shown     int64          // the offset that the screen has reached
	drawn     int            // its work, when the reader looked last
	answers   []byte         // of the screen to the program, not typed yet
	answering bool           // the answerer is at work
	answerer  sync.WaitGroup
	recording *recorder // nil: not recorded
}

// newShell makes a shell that does not run yet.
func newShell(config Config, program Program, id string, size Size, onChange func()) *Shell {
	s := &Shell{
		id:       id,
		program:  program,
		started:  time.Now(),
		active:   time.Now(),
		window:   config.Window,
		stall:    config.Stall,
		ahead:    min(paceBytes, int64(config.Ring/2)),
		patience: config.patience,
		log:      config.Log.With("shell", id),
		onChange: onChange,
		toll:     config.toll,
		dead:     make(chan struct{}),
		readDone: make(chan struct{}),
		ended:    make(chan struct{}),
		resume:   make(chan struct{}, 1),
		turn:     make(chan struct{}, 1),
		ring:     ring{max: config.Ring},
		sizes:    sizes{}.add(0, size),
		viewers:  make(map[string]*viewer),
	}
	s.screen = s.newScreen(size)
	return s
}

// start opens the terminal and runs the program on it. If the program cannot be
// run the shell has ended, and its output says why; that is no error.
func (s *Shell) start(config Config) error {
	terminal, err := openTerminal(s.sizes.last())
	if err != nil {
		return err
	}
	s.cmd = exec.Command(s.program.Args[0], s.program.Args[1:]...)
	s.cmd.Env = append([]string{}, s.program.Env...) // never nil, which means ours
	if s.program.Alone {
		if err := terminal.exclude(); err != nil {
			terminal.close()
			return err
		}
	}
	company, err := s.program.accompany(s.cmd, s.Right)
	if err != nil {
		terminal.close()
		return err
	}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = terminal.tty, terminal.tty, terminal.tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.program.start(s.cmd, config.Dir); err != nil {
		terminal.close()
		company.started()
		company.Close()
		s.failStart(startCause(err, s.cmd.Dir))
		return nil
	}
	company.started()
	s.company = company
	s.terminal = terminal
	s.pid = s.cmd.Process.Pid
	s.log.Info("shell started", "pid", s.pid, "took", time.Since(s.started))
	go s.read()
	go s.wait()
	return nil
}

// failStart ends a shell whose program could not be run. Nobody else knows it
// yet.
func (s *Shell) failStart(err error) {
	s.log.Warn("shell's program cannot be started", "err", err)
	why := fmt.Appendf(nil, "cannot start %q: %v\r\n", s.program.name(), err)
	s.ring.write(why)
	s.exit = &Exit{Code: exitNotStarted}
	close(s.dead)
	close(s.readDone)
	close(s.ended)
}

// startCause says what is wrong without what exec says about itself. Of a
// directory that cannot be entered exec says that the program is not there.
func startCause(err error, dir string) error {
	if _, dirErr := os.Stat(dir); dir != "" && dirErr != nil {
		return dirErr
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return e.Err
	}
	return err
}

// wait waits for the program, then for the reader to take what is left, and
// ends the shell.
func (s *Shell) wait() {
	s.cmd.Wait() // its error is in ProcessState
	s.company.Close()
	close(s.dead)
	s.terminal.ptmx.SetReadDeadline(time.Unix(0, 1)) // wakes the reader
	<-s.readDone
	s.answerer.Wait()
	exit := exitOf(s.cmd.ProcessState)
	s.mu.Lock()
	s.exit = &exit
	if s.telling != nil {
		s.telling.Stop()
	}
	end := s.ring.end
	s.pokeAll()
	s.mu.Unlock()
	s.terminal.close()
	s.log.Info("shell ended", "code", exit.Code, "signal", exit.Signal, "off", end)
	s.onChange()
	close(s.ended)
}

func exitOf(state *os.ProcessState) Exit {
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return Exit{Code: -1, Signal: unix.SignalName(status.Signal())}
	}
	return Exit{Code: state.ExitCode()}
}

// pokeAll has every follower look again. The shell is locked.
func (s *Shell) pokeAll() {
	for _, f := range s.followers {
		f.poke()
	}
}

// exited is the last event of a shell that has ended. The shell is locked.
func (s *Shell) exited() Event {
	return Event{Kind: Exited, Off: s.ring.end, Exit: *s.exit}
}

// Resize gives the terminal another size, which every viewer is told at this
// offset. The size that it has, or a shell that has ended: nothing happens. It is
// nobody's size then; one that somebody has pinned is ErrPinned. Viewers use
// [Shell.Fit].
func (s *Shell) Resize(size Size) error {
	if !size.valid() {
		return fmt.Errorf("resize shell %q to %d×%d: %w", s.id, size.Rows, size.Cols, ErrBadSize)
	}
	changed, err := s.resize(size)
	if changed {
		s.onChange()
	}
	return err
}

func (s *Shell) resize(size Size) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ownerThere() && s.pinned {
		return false, fmt.Errorf("resize shell %q: %w", s.id, ErrPinned)
	}
	s.owner = nil
	return s.resizeTo(size), nil
}

// resizeTo gives the terminal a size, unless it has it or there is none to give,
// and reports whether it has another one now. The shell is locked.
func (s *Shell) resizeTo(size Size) bool {
	if s.exit != nil || !size.valid() || size == s.sizes.last() {
		return false
	}
	if err := s.terminal.resize(size); err != nil {
		s.log.Warn("terminal not resized", "err", err)
		return false
	}
	s.sizes = s.sizes.add(s.ring.end, size)
	s.catchUp()
	s.screen.Resize(size.Rows, size.Cols)
	s.pokeAll()
	return true
}

// remove ends the waiting of viewers that do not acknowledge. The shell has
// ended.
func (s *Shell) remove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = true
	s.pokeAll()
}
