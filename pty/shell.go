package pty

import (
	"context"
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

	"convoy/pty/journal"
	"convoy/pty/screen"
)

// Exit is how a shell's program ended: with a code, or by a signal.
type Exit struct {
	Code   int    // -1 after a signal; 127 if it could not be started
	Signal string // such as "SIGKILL", or ""
}

// exitNotStarted is the code of a program that could not be started, as in sh.
const exitNotStarted = 127

// Shell is a program on a pseudo-terminal, with its latest output and its viewers. A [Table] creates shells.
type Shell struct {
	id      string
	program Program
	started time.Time
	window  int           // limit of unacknowledged bytes per viewer
	stall   time.Duration // time without an Ack before a viewer is dropped
	ahead   int64         // limit of the reader's lead over the viewers, in bytes
	limits
	log      *slog.Logger
	onChange func() // called without locks after Info, except End, has changed

	attachment Attachment             // of the program
	startsIn   atomic.Pointer[string] // its directory until it has begun, then nil
	terminal   *terminal              // nil if the program could not be started
	goroutines sync.WaitGroup         // the reader and the waiter
	dead       chan struct{}          // closed when the program has ended
	readDone   chan struct{}          // closed when the reader has ended
	ended      chan struct{}          // closed when the program and both goroutines have ended
	resume     chan struct{}          // holds one token for the waiting reader
	hurry      chan struct{}          // closed when the reader waits for nothing: dead, or left to the next process

	keeper  Keeper
	journal *journal.Journal // nil: the shell ends with this process
	birth   string           // of the program, see birthOf
	keeping sync.Mutex       // held while the keeper is called; guards kept
	kept    []byte           // the last Kept.Data
	stay    context.Context  // ends when the shell is left to the next process
	leave   context.CancelFunc

	throttle *throttle // of the table
	debt     int       // unpaid drawing work; used by the reader only

	turn   chan struct{} // holds a token during a write
	unread int           // bytes written since the terminal was last known to be empty; guarded by turn
	typing typing        // the input that is being written; guarded by turn
	urgent atomic.Int32  // signals that wait for their turn

	mu              sync.Mutex // guards the following fields
	right           string     // whose rights it has
	ring            ring
	sizes           sizes
	pid             int
	exit            *Exit
	ending, left    bool // what happened first: the program has ended, or the shell is left to the next process
	removed         bool
	order           float64 // place in the list
	saved           saved   // checkpoints
	viewers         map[string]*viewer
	inputs          uint64 // number of inputs: their echo is sent immediately
	followers       []*follower
	awaited         *follower // for which the reader waits although it is not the fastest; nil: none
	awaitedAt       time.Time // since when, or when that was last charged
	uses            uint64
	arrivals        int            // counts uses of viewers
	presenceVersion uint64         // presence changes
	attendance      attendance     // as of the last presence change that was needed
	owner           *viewer        // of the size; nil: none
	pinned          bool           // the size stays, no matter who types
	awaitOwner      time.Time      // the owner counts as attached until then
	dir             string         // the program's directory at the last end of a line
	active          time.Time      // last input or output
	name            string         // from Rename
	title           string         // last reported
	titleTimer      *time.Timer    // pending report of a title; may be nil
	screen          *screen.Screen // what viewers see
	shown           int64          // the offset that the screen has reached
	drawn           int            // the screen's work when the reader last checked
	replies         []byte         // of the screen to the program, not yet written
	replying        bool           // a goroutine is writing them
	replier         sync.WaitGroup
	recording       *recorder // may be nil
	activity        activity
}

// newShell returns a shell that does not run yet.
func newShell(config Config, program Program, id string, size Size, onChange func()) *Shell {
	s := &Shell{
		id:       id,
		program:  program,
		started:  time.Now(),
		active:   time.Now(),
		window:   config.Window,
		stall:    config.Stall,
		ahead:    min(paceBytes, int64(config.Ring/2)),
		limits:   config.limits,
		log:      config.Log.With("shell", id),
		onChange: onChange,
		throttle: config.throttle,
		keeper:   config.Keeper,
		dead:     make(chan struct{}),
		hurry:    make(chan struct{}),
		readDone: make(chan struct{}),
		ended:    make(chan struct{}),
		resume:   make(chan struct{}, 1),
		turn:     make(chan struct{}, 1),
		ring:     ring{max: config.Ring},
		sizes:    sizes{}.add(0, size),
		viewers:  make(map[string]*viewer),
	}
	s.stay, s.leave = context.WithCancel(context.Background())
	s.screen = s.newScreen(size)
	return s
}

// start opens the terminal and runs the program. If the program cannot be run, that is not an error: the shell has
// ended, and its output says why.
func (s *Shell) start(config Config) error {
	terminal, err := openTerminal(s.sizes.last())
	if err != nil {
		return err
	}
	cmd := exec.Command(s.program.Args[0], s.program.Args[1:]...)
	cmd.Env = append([]string{}, s.program.Env...) // never nil, which would mean our own
	if s.program.ExclusiveTTY {
		if err := terminal.exclude(); err != nil {
			terminal.close()
			return err
		}
	}
	attachment, err := s.program.attach(cmd, s.Right)
	if err != nil {
		terminal.close()
		return err
	}
	cmd, err = s.startProgram(cmd, config.Dir, terminal.tty)
	if err != nil {
		terminal.close()
		attachment.closeFile()
		attachment.Close()
		s.failStart(startCause(err, config.Dir))
		return nil
	}
	attachment.closeFile()
	s.attachment = attachment
	s.terminal = terminal
	s.pid = cmd.Process.Pid
	s.makeJournal(config.Ring)
	s.log.Info("shell started", "pid", s.pid, "took", time.Since(s.started))
	s.run(
		func() bool { return s.journal == nil || awaitExit(s.stay, s.pid) },
		func() Exit {
			cmd.Wait() // its error is in ProcessState
			return exitOf(cmd.ProcessState)
		},
	)
	return nil
}

// run watches the attachment, and starts the goroutines. await waits until the program has ended, and returns false if
// the shell is left to the next process before. exit then returns how it ended.
func (s *Shell) run(await func() bool, exit func() Exit) {
	if s.attachment.Watch != nil {
		s.attachment.Watch(s.lookSoon)
	}
	s.goroutines.Go(s.read)
	s.goroutines.Go(func() { s.wait(await, exit) })
}

// failStart ends a shell whose program could not be run, before it is listed.
func (s *Shell) failStart(err error) {
	s.log.Warn("shell's program cannot be started", "err", err)
	message := fmt.Appendf(nil, "cannot start %q: %v\r\n", s.program.name(), err)
	s.ring.write(message)
	s.exit = &Exit{Code: exitNotStarted}
	s.leave()
	close(s.dead)
	close(s.hurry)
	close(s.readDone)
	close(s.ended)
}

// startCause returns the cause without exec's own context. exec reports a missing directory as a missing program.
func startCause(err error, dir string) error {
	if _, dirErr := os.Stat(dir); dir != "" && dirErr != nil {
		return dirErr
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return e.Err
	}
	return err
}

// wait waits for the program, then for the reader to read the rest, and ends the shell.
func (s *Shell) wait(await func() bool, how func() Exit) {
	if !await() || !s.beginEnd() {
		return
	}
	exit := how()
	s.attachment.Close()
	close(s.dead)
	close(s.hurry)
	s.terminal.ptmx.SetReadDeadline(time.Unix(0, 1)) // wakes the reader
	<-s.readDone
	s.replier.Wait()
	s.mu.Lock()
	s.exit = &exit
	s.stopTimers()
	end := s.ring.end
	s.notifyAll()
	s.mu.Unlock()
	s.keepEnded()
	s.leave()
	s.terminal.close()
	s.log.Info("shell ended", "code", exit.Code, "signal", exit.Signal, "off", end)
	s.onChange()
	close(s.ended)
}

// beginEnd returns false if the shell is left to the next process.
func (s *Shell) beginEnd() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = !s.left
	return s.ending
}

// stopTimers requires s.mu.
func (s *Shell) stopTimers() {
	for _, timer := range []*time.Timer{s.titleTimer, s.saved.timer, s.activity.timer} {
		if timer != nil {
			timer.Stop()
		}
	}
}

func exitOf(state *os.ProcessState) Exit {
	status, _ := state.Sys().(syscall.WaitStatus)
	return exitOfStatus(status)
}

func exitOfStatus(status syscall.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{Code: -1, Signal: unix.SignalName(status.Signal())}
	}
	return Exit{Code: status.ExitStatus()}
}

// notifyAll wakes all followers. It requires s.mu.
func (s *Shell) notifyAll() {
	for _, f := range s.followers {
		f.notify()
	}
}

// exited is the last event of an ended shell. It requires s.mu.
func (s *Shell) exited() Event {
	return Event{Kind: Exited, Off: s.ring.end, Exit: *s.exit}
}

// Resize sets the terminal's size, which viewers see at this offset. It does nothing if the size is the same or the
// shell has ended. Nobody owns the size then; a pinned size is ErrPinned. Viewers use [Shell.Fit].
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
	if s.ownerAttached() && s.pinned {
		return false, fmt.Errorf("resize shell %q: %w", s.id, ErrPinned)
	}
	s.setOwner(nil, s.pinned)
	return s.resizeTo(size), nil
}

// resizeTo sets the terminal's size if it is valid and different, and reports whether it changed. It requires s.mu.
func (s *Shell) resizeTo(size Size) bool {
	if s.exit != nil || !size.valid() || size == s.sizes.last() {
		return false
	}
	if err := s.terminal.resize(size); err != nil {
		s.log.Warn("terminal not resized", "err", err)
		return false
	}
	s.sizes = s.sizes.add(s.ring.end, size)
	s.journal.Mark(s.ring.end, size.Rows, size.Cols)
	s.syncScreen()
	s.screen.Resize(size.Rows, size.Cols)
	s.checkpoint()
	s.notifyAll()
	return true
}

// remove ends the waiting of viewers that do not acknowledge. The shell has ended.
func (s *Shell) remove() {
	s.mu.Lock()
	s.removed = true
	s.notifyAll()
	s.mu.Unlock()
	s.drop()
}
