package pty

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"convoy/pty/cast"
)

// What a Config that says nothing gets.
const (
	defaultMax         = 256
	defaultRingBytes   = 1 << 20
	defaultWindowBytes = 256 << 10
	defaultStall       = 30 * time.Second
)

// Config says what a table's shells are. Zero values of Max, Ring, Window, Stall
// and Log get the defaults.
type Config struct {
	Programs []Program     // what can run; one that is opened without a choice runs the first; required
	Dir      string        // working directory; "" is ours
	Max      int           // shells that may run at once: 256
	Ring     int           // bytes of output kept for each: 1 MiB
	Window   int           // bytes a viewer may be ahead of its Ack: 256 KiB, at most half of Ring
	Idle     time.Duration // after which a shell that nobody looks at and in which nothing happens is closed; 0: never
	Stall    time.Duration // how long a viewer may hold a full window undrawn: 30 s
	Log      *slog.Logger  // none: not logged. Never gets what is typed or put out

	Node       string   // this node's full name, which recordings bear
	Recordings cast.Dir // where they are kept
	RecordAll  bool     // every shell is recorded, from its first byte

	patience time.Duration // how long the reader waits for a viewer that draws nothing
	toll     *toll         // that all shells pay to
}

// Table is the shells of one node. A shell that has ended stays, for its output,
// until it is removed or a new one needs its place.
type Table struct {
	config  Config
	opening sync.Mutex // held while a shell is opened, and to close

	recorders sync.WaitGroup

	mu      sync.Mutex // guards what follows
	shells  []*Shell   // in the order in which they are listed: oldest first, unless Place says otherwise
	closed  bool
	changed chan struct{}
	reaping bool
	reaper  sync.WaitGroup
	quit    chan struct{} // closed by Close
}

// NewTable makes an empty table.
func NewTable(config Config) *Table {
	if config.Max == 0 {
		config.Max = defaultMax
	}
	if config.Ring == 0 {
		config.Ring = defaultRingBytes
	}
	if config.Window == 0 {
		config.Window = defaultWindowBytes
	}
	if config.Stall == 0 {
		config.Stall = defaultStall
	}
	config.Window = min(config.Window, config.Ring/2)
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	config.patience, config.toll = patience, &toll{}
	return &Table{config: config, changed: make(chan struct{}), quit: make(chan struct{})}
}

// Place says what shell is opened, and where. The zero value is the usual one at the usual place.
type Place struct {
	Kind   string // of the program; "": the first
	Right  string // what its opener may do, in the caller's words: Shell.Right and Program.Accompany are told
	Dir    string // working directory; "": Config.Dir
	Before string // id of the shell in front of which it is listed; "", or none of ours: last
}

// Open starts a shell. It fails with ErrBadSize, ErrKind, with ErrFull if Max of them
// run, with ErrClosed, when the system has no terminal left, or when it cannot be
// recorded though all are. That the program cannot be started is no error: then the shell's output says why, and it has
// ended with code 127.
func (t *Table) Open(size Size) (*Shell, error) { return t.OpenAt(Place{}, size) }

// OpenAt is Open of another kind, in another directory, or at another place of the list.
func (t *Table) OpenAt(place Place, size Size) (*Shell, error) {
	t.opening.Lock()
	defer t.opening.Unlock()
	return t.open(place, size)
}

// First returns the oldest shell that runs, or else opens one: of several
// callers at once one opens it.
func (t *Table) First(place Place, size Size) (s *Shell, opened bool, err error) {
	t.opening.Lock()
	defer t.opening.Unlock()
	if s := t.oldestRunning(); s != nil {
		return s, false, nil
	}
	s, err = t.open(place, size)
	return s, err == nil, err
}

// oldestRunning is nil if no shell runs.
func (t *Table) oldestRunning() *Shell {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.shells {
		if s.running() {
			return s
		}
	}
	return nil
}

// open makes and starts a shell. The caller holds opening.
func (t *Table) open(place Place, size Size) (*Shell, error) {
	if !size.valid() {
		return nil, fmt.Errorf("open shell of %d×%d: %w", size.Rows, size.Cols, ErrBadSize)
	}
	program, ok := t.program(place.Kind)
	if !ok {
		return nil, fmt.Errorf("open shell of kind %q: %w", place.Kind, ErrKind)
	}
	id, err := t.makeRoom()
	if err != nil {
		return nil, fmt.Errorf("open shell: %w", err)
	}
	honourSignals()
	config := t.config
	config.Dir = cmp.Or(place.Dir, program.Dir, config.Dir)
	s := newShell(config, program, id, size, t.touch)
	s.right = place.Right
	if err := t.start(s, config); err != nil {
		return nil, fmt.Errorf("open shell: %w", err)
	}
	t.mu.Lock()
	if i := t.index(place.Before); i >= 0 {
		t.shells = slices.Insert(t.shells, i, s)
	} else {
		t.shells = append(t.shells, s)
	}
	t.startReaper()
	t.mu.Unlock()
	t.touch()
	return s, nil
}

// Kinds are the kinds of shells that can be opened, the usual one first.
func (t *Table) Kinds() []string {
	kinds := make([]string, len(t.config.Programs))
	for i, program := range t.config.Programs {
		kinds[i] = program.Kind
	}
	return kinds
}

// program finds a program by its kind.
func (t *Table) program(kind string) (Program, bool) {
	if kind == "" {
		return t.config.Programs[0], true
	}
	i := slices.IndexFunc(t.config.Programs, func(p Program) bool { return p.Kind == kind })
	if i < 0 {
		return Program{}, false
	}
	return t.config.Programs[i], true
}

// start runs a new shell, and records it if all are. One that has to be recorded
// and cannot be is not started.
func (t *Table) start(s *Shell, config Config) error {
	if !config.RecordAll {
		return s.start(config)
	}
	record, err := t.recorder(s, policy, 0)
	if err != nil {
		return err
	}
	defer record()
	if err := s.start(config); err != nil {
		s.recording.stop(err)
		return err
	}
	return nil
}

// makeRoom finds a new id, and drops the oldest shell that has ended if the
// table is full.
func (t *Table) makeRoom() (id string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return "", ErrClosed
	}
	for id = newID(); t.index(id) >= 0; {
		id = newID()
	}
	if len(t.shells) < t.config.Max {
		return id, nil
	}
	i := slices.IndexFunc(t.shells, func(s *Shell) bool { return !s.running() })
	if i < 0 {
		return "", fmt.Errorf("%w (%d)", ErrFull, t.config.Max)
	}
	t.shells[i].remove()
	t.shells = slices.Delete(t.shells, i, i+1)
	return id, nil
}

// newID is ten random letters and digits: 50 bits.
func newID() string { return strings.ToLower(rand.Text()[:10]) }

// index finds a shell, or is -1. The table is locked.
func (t *Table) index(id string) int {
	return slices.IndexFunc(t.shells, func(s *Shell) bool { return s.id == id })
}

// Get finds a shell by its id: ErrNotFound.
func (t *Table) Get(id string) (*Shell, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := t.index(id); i >= 0 {
		return t.shells[i], nil
	}
	return nil, fmt.Errorf("find shell %q: %w", id, ErrNotFound)
}

// List says what the shells are now, oldest first.
func (t *Table) List() []Info {
	t.mu.Lock()
	shells := slices.Clone(t.shells)
	t.mu.Unlock()
	infos := make([]Info, len(shells))
	for i, s := range shells {
		infos[i] = s.Info()
	}
	return infos
}

// Running is how many shells run, how many of them have a Right that mine says yes to, and how many may run at once.
func (t *Table) Running(mine func(right string) bool) (own, all, most int) {
	t.mu.Lock()
	shells := slices.Clone(t.shells)
	t.mu.Unlock()
	for _, s := range shells {
		if !s.running() {
			continue
		}
		all++
		if mine(s.Right()) {
			own++
		}
	}
	return own, all, t.config.Max
}

// Changed is closed at the next change of what List says, other than a shell
// having put out more. Take it before List to miss nothing.
func (t *Table) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// touch says that List has changed.
func (t *Table) touch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
}

// Remove ends a shell, waits for its end, and takes it off the table. Its
// processes get HUP; what is left after 2 s, or when ctx is done, gets KILL.
// ErrNotFound if it is not there (any more).
func (t *Table) Remove(ctx context.Context, id string) error {
	s, err := t.Get(id)
	if err != nil {
		return err
	}
	return t.remove(ctx, s)
}

func (t *Table) remove(ctx context.Context, s *Shell) error {
	if err := s.hangUp(ctx); err != nil {
		return err
	}
	s.remove()
	t.mu.Lock()
	if i := t.index(s.id); i >= 0 {
		t.shells = slices.Delete(t.shells, i, i+1)
	}
	t.mu.Unlock()
	t.touch()
	return nil
}

// Close removes all shells as Remove does, at once, and opens no more.
func (t *Table) Close(ctx context.Context) error {
	t.opening.Lock() // a shell that is being opened is closed too
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		close(t.quit)
	}
	shells := slices.Clone(t.shells)
	t.mu.Unlock()
	t.opening.Unlock()
	t.reaper.Wait()

	errs := make([]error, len(shells))
	var closing sync.WaitGroup
	for i, s := range shells {
		closing.Go(func() { errs[i] = t.remove(ctx, s) })
	}
	closing.Wait()
	t.recorders.Wait() // they end with their shells
	return errors.Join(errs...)
}
