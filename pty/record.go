package pty

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"convoy/pty/cast"
	"convoy/pty/journal"
)

const (
	// recorderName is the recorder's viewer id. No other id contains a blank.
	recorderName = "the recorder"
	// recordedTerm is the terminal type of all shells.
	recordedTerm = "xterm-256color"
	// policy is the user that starts the recordings of Config.RecordAll.
	policy = "-record all"
)

// recorder writes a recording of a shell. It is a follower that acknowledges immediately and never types: it slows
// nothing, and after the ring has overwritten its position, it continues with the current screen.
type recorder struct {
	shell    *Shell
	file     *cast.File // nil until it is open; shell.mu guards the change
	follower *follower
	stop     context.CancelCauseFunc
	started  bool          // the first screen or byte is written
	done     chan struct{} // closed when the recording has ended
	summary  cast.Summary  // of the ended recording
}

// stoppedBy is the cause when a user stops a recording.
type stoppedBy struct{ user string }

func (s stoppedBy) Error() string { return "stopped by " + s.user }

// Record starts recording a shell, beginning with its current screen. It fails with ErrNotFound, ErrEnded, ErrRecorded,
// ErrClosed, or as [cast.Dir.Create] does.
func (t *Table) Record(id, by string) (cast.Summary, error) {
	s, err := t.Get(id)
	if err != nil {
		return cast.Summary{}, err
	}
	if !s.running() {
		return cast.Summary{}, fmt.Errorf("record shell %q: %w", id, ErrEnded)
	}
	run, err := t.recorder(s, by, FromScreen)
	if err != nil {
		return cast.Summary{}, err
	}
	summary, err := s.recording.file.Summary()
	run()
	s.onChange()
	return summary, err
}

// StopRecording ends a shell's recording and returns its summary. It fails with ErrNotFound, ErrNotRecorded, or
// ErrPolicy if all shells must be recorded.
func (t *Table) StopRecording(id, by string) (cast.Summary, error) {
	s, err := t.Get(id)
	if err != nil {
		return cast.Summary{}, err
	}
	s.mu.Lock()
	r := s.recording
	s.mu.Unlock()
	switch {
	case r == nil:
		return cast.Summary{}, fmt.Errorf("stop recording shell %q: %w", id, ErrNotRecorded)
	case t.config.RecordAll:
		return cast.Summary{}, fmt.Errorf("stop recording shell %q: %w", id, ErrPolicy)
	}
	r.stop(stoppedBy{by})
	<-r.done
	if r.file == nil { // it could not start
		return cast.Summary{}, fmt.Errorf("stop recording shell %q: %w", id, ErrNotRecorded)
	}
	return r.summary, nil
}

// recorder prepares a recorder at a position in the output. run starts writing from there, in a goroutine that Close
// waits for.
func (t *Table) recorder(s *Shell, by string, from int64) (run func(), err error) {
	ctx, stop := context.WithCancelCause(context.Background())
	r := &recorder{shell: s, stop: stop, done: make(chan struct{})}
	if err := t.reserve(r); err != nil {
		return nil, fmt.Errorf("record shell %q: %w", s.id, err)
	}
	r.follower = s.attach(Viewer{ID: recorderName, Hidden: true}, from)
	info := s.info()
	file, err := t.config.Recordings.Create(
		cast.Header{Rows: info.Size.Rows, Cols: info.Size.Cols, Term: recordedTerm, Title: info.Title,
			Started: time.Now(), Node: t.config.Node, Shell: s.id, By: by},
	)
	if err != nil {
		s.detach(r.follower)
		s.clearRecording()
		close(r.done)
		t.recorders.Done()
		return nil, fmt.Errorf("record shell %q: %w", s.id, err)
	}
	r.writeTo(file)
	s.log.Info("recording started", "node", t.config.Node, "recording", r.file.ID(), "user", by)
	return t.starter(ctx, r, from), nil
}

// starter returns what starts a recorder at a position.
func (t *Table) starter(ctx context.Context, r *recorder, from int64) (run func()) {
	return func() {
		r.file.OnSave(from, r.save)
		go func() {
			defer t.recorders.Done()
			r.run(ctx)
			r.shell.onChange()
		}()
	}
}

// save records in the journal how far the recording is written.
func (r *recorder) save(p cast.Position) {
	r.shell.journal.SetRecording(journal.Recording{ID: r.file.ID(), Size: p.Size, Off: p.Off, At: p.Last})
}

// resume continues the recording of an adopted shell where the earlier process stopped writing. If that is impossible,
// it starts another one where all shells must be recorded.
func (t *Table) resume(s *Shell, id string) (run func()) {
	run, err := t.continueRecording(s, id)
	if err != nil {
		s.log.Warn("recording not continued", "recording", id, "err", err)
	}
	if err != nil && t.config.RecordAll {
		if run, err = t.recorder(s, policy, FromScreen); err != nil {
			s.log.Error("shell is not recorded", "err", err)
		}
	}
	return run
}

func (t *Table) continueRecording(s *Shell, id string) (run func(), err error) {
	position, ok := s.journal.Recording(id)
	if !ok {
		return nil, errors.New("its position is unknown")
	}
	ctx, stop := context.WithCancelCause(context.Background())
	r := &recorder{shell: s, stop: stop, started: position.Off >= 0, done: make(chan struct{})}
	if err := t.reserve(r); err != nil {
		return nil, err
	}
	file, err := t.config.Recordings.Continue(
		id, cast.Position{Size: position.Size, Off: position.Off, Last: position.At},
	)
	if err != nil {
		s.clearRecording()
		close(r.done)
		t.recorders.Done()
		return nil, err
	}
	r.writeTo(file)
	r.file.Mark(time.Now(), "the node restarted") //nolint:errcheck // the next call returns the error
	r.follower = s.attach(Viewer{ID: recorderName, Hidden: true}, position.Off)
	s.log.Info("recording continued", "node", t.config.Node, "recording", id)
	return t.starter(ctx, r, position.Off), nil
}

// reserve ensures one recorder per shell, and that Close waits for it.
func (t *Table) reserve(r *recorder) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	r.shell.mu.Lock()
	defer r.shell.mu.Unlock()
	if r.shell.recording != nil {
		return ErrRecorded
	}
	r.shell.recording = r
	t.recorders.Add(1)
	return nil
}

// writeTo sets the recorder's file, which the keeper may read at any time.
func (r *recorder) writeTo(file *cast.File) {
	r.shell.mu.Lock()
	defer r.shell.mu.Unlock()
	r.file = file
}

func (s *Shell) clearRecording() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recording = nil
}

// run records until the shell ends, ctx ends, or the file fails.
func (r *recorder) run(ctx context.Context) {
	defer close(r.done)
	defer r.stop(nil)
	reason := "the shell ended"
	r.follow(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, ErrLeft) {
		if err := r.file.Leave(); err != nil {
			r.shell.log.Warn("recording interrupted", "recording", r.file.ID(), "err", err)
		}
		return
	} else if cause != nil {
		reason = cause.Error()
	}
	var err error
	if r.summary, err = r.file.End(time.Now(), reason); err != nil {
		r.shell.log.Warn("recording interrupted", "recording", r.file.ID(), "err", err)
	}
	r.shell.log.Info("recording ended", "recording", r.file.ID(), "reason", r.summary.Reason, "n", r.summary.Bytes)
	r.shell.clearRecording()
}

// follow writes events until the shell ends, ctx ends, or the file fails, which End reports again. When ctx ends, it
// first writes what the shell has put out until then.
func (r *recorder) follow(ctx context.Context) {
	defer r.shell.detach(r.follower)
	for end := int64(math.MaxInt64); r.follower.before(end); {
		e, ok := r.follower.next(ctx)
		if !ok && ctx.Err() != nil {
			ctx, end = context.WithoutCancel(ctx), r.shell.Info().End
			continue
		}
		if !ok || r.write(e, time.Now()) != nil || e.Last() {
			return
		}
		r.shell.Ack(recorderName, drawnOffset(e)) //nolint:errcheck // this offset was yielded
	}
}

// write writes one event.
func (r *recorder) write(e Event, now time.Time) error {
	first := !r.started
	switch e.Kind {
	case Resize:
		return r.file.Resize(now, e.Size.Cols, e.Size.Rows)
	case Reset:
		r.started = true
		if first {
			return r.file.Screen(time.Time{}, e.Bytes, e.Off) // it is the beginning
		}
		r.file.Mark(now, "output was skipped") //nolint:errcheck // the next call returns the error
		return r.file.Screen(now, e.Bytes, e.Off)
	case Output:
		r.started = true
		return r.file.OutputUntil(now, e.Bytes, drawnOffset(e))
	case Exited:
		return r.file.Exit(now, e.Exit.status())
	}
	return nil
}

// drawnOffset is the offset that a viewer has reached after drawing an event.
func drawnOffset(e Event) int64 {
	if e.Kind == Output {
		return e.Off + int64(len(e.Bytes))
	}
	return e.Off
}

// status is the exit status as a shell reports it.
func (e Exit) status() int {
	if e.Signal != "" {
		return 128 + int(unix.SignalNum(e.Signal))
	}
	return e.Code
}
