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
	"convoy/pty/journal"
)

// Defaults of Config.
const (
	defaultMax         = 256
	defaultRingBytes   = 1 << 20
	defaultWindowBytes = 256 << 10
	defaultStall       = 30 * time.Second
)

// Config configures a table's shells. Zero values of Max, Ring, Window, Stall, and Log mean the defaults.
type Config struct {
	Programs []Program     // the first is the default; required
	Dir      string        // working directory; "" is ours
	Max      int           // running shells: 256
	Ring     int           // bytes of output kept per shell: 1 MiB
	Window   int           // limit of unacknowledged bytes per viewer: 256 KiB, at most half of Ring
	Idle     time.Duration // after which a shell without viewers and activity is closed; 0: never
	Stall    time.Duration // how long a viewer may leave a full window undrawn: 30 s
	Log      *slog.Logger  // may be nil. Never gets input or output

	Node       string   // this node's full name, for recordings
	Recordings cast.Dir // for recordings
	RecordAll  bool     // record every shell from its first byte

	Keeper Keeper // keeps shells for the node's next process; nil: they end with this one. Linux only

	limits
	throttle *throttle // shared by all shells
}

// limits are the times of a shell that tests change.
type limits struct {
	patience   time.Duration // how long the reader waits for a viewer that draws nothing
	unreadTime time.Duration // how long a program may take to read the input before a ^C
	grace      time.Duration // between HUP and KILL
	killTime   time.Duration // limits the wait for a killed program, which only a hang in the kernel exceeds
}

var usualLimits = limits{patience: patience, unreadTime: unreadTime, grace: hangUpGrace, killTime: 5 * time.Second}

// Table holds the shells of one node. An ended shell stays, for its output, until it is removed or a new one needs its
// options.
type Table struct {
	config  Config
	opening sync.Mutex // held while a shell is opened, and to close

	recorders sync.WaitGroup

	mu      sync.Mutex // guards the following fields
	shells  []*Shell   // as listed: oldest first, unless OpenOptions.Before was set
	closed  bool
	changed chan struct{}
	reaping bool
	reaper  sync.WaitGroup
	quit    chan struct{} // closed by Close
}

// NewTable returns an empty table.
func NewTable(config Config) *Table {
	config.Max = cmp.Or(config.Max, defaultMax)
	config.Ring = cmp.Or(config.Ring, defaultRingBytes)
	config.Window = cmp.Or(config.Window, defaultWindowBytes)
	config.Stall = cmp.Or(config.Stall, defaultStall)
	config.Window = min(config.Window, config.Ring/2)
	config.Log = cmp.Or(config.Log, slog.New(slog.DiscardHandler))
	config.limits, config.throttle = usualLimits, &throttle{}
	if !journal.Supported {
		config.Keeper = nil
	}
	return &Table{config: config, changed: make(chan struct{}), quit: make(chan struct{})}
}

// OpenOptions select the shell to open, and where. The zero value is the default shell at the end of the list.
type OpenOptions struct {
	Kind   string // of the program; "": the first
	Right  string // whose rights it has, in the caller's terms, for Shell.Right and Program.Attach
	Dir    string // working directory; "": Config.Dir
	Before string // id of the shell before which it is listed; "" or unknown: last
}

// Open starts a shell. It fails with ErrBadSize, ErrKind, ErrFull if Max of them run, ErrClosed, or if the system has
// no more terminals, or a required recording is impossible. If the program cannot be started, that is not an error: the
// shell's output says why, and it has ended with code 127.
func (t *Table) Open(size Size) (*Shell, error) { return t.OpenAt(OpenOptions{}, size) }

// OpenAt is Open with options.
func (t *Table) OpenAt(options OpenOptions, size Size) (*Shell, error) {
	t.opening.Lock()
	defer t.opening.Unlock()
	return t.open(options, size)
}

// First returns the oldest running shell, or opens one; of concurrent callers only one opens it.
func (t *Table) First(options OpenOptions, size Size) (s *Shell, opened bool, err error) {
	t.opening.Lock()
	defer t.opening.Unlock()
	if s := t.oldestRunning(); s != nil {
		return s, false, nil
	}
	s, err = t.open(options, size)
	return s, err == nil, err
}

// oldestRunning returns nil if no shell runs.
func (t *Table) oldestRunning() *Shell {
	for _, s := range t.all() {
		if s.running() {
			return s
		}
	}
	return nil
}

// open requires t.opening.
func (t *Table) open(options OpenOptions, size Size) (*Shell, error) {
	if !size.valid() {
		return nil, fmt.Errorf("open shell of %d×%d: %w", size.Rows, size.Cols, ErrBadSize)
	}
	program, ok := t.program(options.Kind)
	if !ok {
		return nil, fmt.Errorf("open shell of kind %q: %w", options.Kind, ErrKind)
	}
	id, err := t.allocate()
	if err != nil {
		return nil, fmt.Errorf("open shell: %w", err)
	}
	catchIgnoredSignals()
	config := t.config
	config.Dir = cmp.Or(options.Dir, program.Dir, config.Dir)
	s := t.newShell(config, program, id, size)
	s.right = options.Right
	s.order = t.order(options.Before)
	if err := t.start(s, config); err != nil {
		return nil, fmt.Errorf("open shell: %w", err)
	}
	t.mu.Lock()
	if i := t.index(options.Before); i >= 0 {
		t.shells = slices.Insert(t.shells, i, s)
	} else {
		t.shells = append(t.shells, s)
	}
	t.startReaper()
	t.mu.Unlock()
	t.touch()
	return s, nil
}

// newShell returns a shell that reports its changes to the keeper and the table.
func (t *Table) newShell(config Config, program Program, id string, size Size) *Shell {
	s := newShell(config, program, id, size, nil)
	s.onChange = func() {
		s.keep()
		t.touch()
	}
	return s
}

// order is the place of a new shell before another one, or at the end.
func (t *Table) order(before string) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.index(before)
	switch {
	case len(t.shells) == 0:
		return 0
	case i == 0:
		return t.shells[0].order - 1
	case i > 0:
		return (t.shells[i-1].order + t.shells[i].order) / 2
	}
	return t.shells[len(t.shells)-1].order + 1
}

// Kinds lists the kinds of shells, the default first.
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

// start runs a new shell, and records it if required. If it cannot be recorded, it is not started.
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

// allocate returns a new id, and drops the oldest ended shell if the table is full.
func (t *Table) allocate() (id string, err error) {
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

// newID returns ten random letters and digits: 50 bits.
func newID() string { return strings.ToLower(rand.Text()[:10]) }

// index returns a shell's index, or -1. It requires t.mu.
func (t *Table) index(id string) int {
	return slices.IndexFunc(t.shells, func(s *Shell) bool { return s.id == id })
}

// Get returns the shell with the given id, or ErrNotFound.
func (t *Table) Get(id string) (*Shell, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := t.index(id); i >= 0 {
		return t.shells[i], nil
	}
	return nil, fmt.Errorf("find shell %q: %w", id, ErrNotFound)
}

// all returns the shells in their order.
func (t *Table) all() []*Shell {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.shells)
}

// List describes the shells in their order.
func (t *Table) List() []Info {
	shells := t.all()
	infos := make([]Info, len(shells))
	for i, s := range shells {
		infos[i] = s.Info()
	}
	return infos
}

// Running counts the running shells, and those whose Right satisfies mine. limit is the maximum of running shells.
func (t *Table) Running(mine func(right string) bool) (own, all, limit int) {
	for _, s := range t.all() {
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

// Changed is closed at the next change of List, except of End. Take it before List to miss nothing.
func (t *Table) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// touch signals a change of List.
func (t *Table) touch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
}

// Remove ends a shell, waits for it, and removes it. Its processes get HUP; what remains after 2 s, or when ctx ends,
// gets KILL. ErrNotFound if it is not, or no longer, there.
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
	t.shells = without(t.shells, s)
	t.mu.Unlock()
	t.touch()
	return nil
}

// shut opens no more shells, stops the reaper, and returns the shells, with one that was being opened.
func (t *Table) shut() []*Shell {
	t.opening.Lock()
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		close(t.quit)
	}
	shells := slices.Clone(t.shells)
	t.mu.Unlock()
	t.opening.Unlock()
	t.reaper.Wait()
	return shells
}

// Close removes all shells concurrently, as Remove does, and opens no more.
func (t *Table) Close(ctx context.Context) error {
	shells := t.shut()
	errs := make([]error, len(shells))
	var closing sync.WaitGroup
	for i, s := range shells {
		closing.Go(func() { errs[i] = t.remove(ctx, s) })
	}
	closing.Wait()
	t.recorders.Wait() // they end with their shells
	return errors.Join(errs...)
}
