package pty

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"convoy/pty/cast"
)

const (
	// recorderName is the viewer that a recorder is. Nobody else has a name with a
	// blank in it.
	recorderName = "the recorder"
	// recordedTerm is the type of terminal that every shell has.
	recordedTerm = "xterm-256color"
	// policy is who starts the recordings of Config.RecordAll.
	policy = "-record all"
)

// recorder writes one recording of a shell. It is a follower like any other, that
// acknowledges at once and never types: it slows nobody, and when the ring has
// turned over under it, it goes on with the screen as it is.
type recorder struct {
	shell    *Shell
	file     *cast.File
	follower *follower
	stop     context.CancelCauseFunc
	begun    bool          // the first screen, or the first byte, is written
	done     chan struct{} // closed when the recording has ended
	summary  cast.Summary  // of what has ended
}

// stopped is the cause of a recording's end that somebody asked for.
type stopped struct{ by string }

func (s stopped) Error() string { return "stopped by " + s.by }

// Record begins to record a shell, from its screen as it is now. It fails with
// ErrNotFound, ErrEnded, ErrRecorded, ErrClosed, or as [cast.Dir.Create] does.
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
	t.touch()
	return summary, err
}

// StopRecording ends the recording of a shell, and says what it is. It fails with
// ErrNotFound, ErrNotRecorded, or ErrPolicy if every shell has to be recorded.
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
	r.stop(stopped{by})
	<-r.done
	if r.file == nil { // it could not begin
		return cast.Summary{}, fmt.Errorf("stop recording shell %q: %w", id, ErrNotRecorded)
	}
	return r.summary, nil
}

// recorder makes a recorder that has its place in the output, and writes from
// there on once run is called, in a goroutine of its own that Close waits for.
func (t *Table) recorder(s *Shell, by string, from int64) (run func(), err error) {
	ctx, stop := context.WithCancelCause(context.Background())
	r := &recorder{shell: s, stop: stop, done: make(chan struct{})}
	if err := t.reserve(r); err != nil {
		return nil, fmt.Errorf("record shell %q: %w", s.id, err)
	}
	r.follower = s.attach(Viewer{ID: recorderName, Hidden: true}, from)
	info := s.info()
	r.file, err = t.config.Recordings.Create(
		cast.Header{Rows: info.Size.Rows, Cols: info.Size.Cols, Term: recordedTerm, Title: info.Title,
			Started: time.Now(), Node: t.config.Node, Shell: s.id, By: by},
	)
	if err != nil {
		s.detach(r.follower)
		s.unrecord()
		close(r.done)
		t.recorders.Done()
		return nil, fmt.Errorf("record shell %q: %w", s.id, err)
	}
	s.log.Info("recording started", "node", t.config.Node, "recording", r.file.ID(), "user", by)
	return func() {
		go func() {
			defer t.recorders.Done()
			r.run(ctx)
			t.touch()
		}()
	}, nil
}

// reserve makes sure that a shell has one recorder at most, and that a table that
// closes waits for it.
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

// unrecord says that the shell is not recorded any more.
func (s *Shell) unrecord() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recording = nil
}

// run records until the shell ends, or ctx, or the file takes no more.
func (r *recorder) run(ctx context.Context) {
	defer close(r.done)
	defer r.stop(nil)
	reason := "the shell ended"
	for e := range r.follower.events(ctx) {
		if err := r.write(e, time.Now()); err != nil {
			break // End says it again
		}
		r.shell.Ack(recorderName, drawnBy(e)) //nolint:errcheck // it was put out
	}
	if cause := context.Cause(ctx); cause != nil {
		reason = cause.Error()
	}
	var err error
	if r.summary, err = r.file.End(time.Now(), reason); err != nil {
		r.shell.log.Warn("recording broke off", "recording", r.file.ID(), "err", err)
	}
	r.shell.log.Info("recording ended", "recording", r.file.ID(), "reason", r.summary.Reason, "n", r.summary.Bytes)
	r.shell.unrecord()
}

// write puts one event into the file.
func (r *recorder) write(e Event, now time.Time) error {
	first := !r.begun
	switch e.Kind {
	case Resize:
		return r.file.Resize(now, e.Size.Cols, e.Size.Rows)
	case Reset:
		r.begun = true
		if first {
			return r.file.Screen(time.Time{}, e.Bytes) // it is the beginning
		}
		r.file.Mark(now, "output was skipped") //nolint:errcheck // the next call says it again
		return r.file.Screen(now, e.Bytes)
	case Output:
		r.begun = true
		return r.file.Output(now, e.Bytes)
	case Exited:
		return r.file.Exit(now, e.Exit.status())
	}
	return nil
}

// drawnBy is the offset up to which a viewer has drawn when it has drawn an event.
func drawnBy(e Event) int64 {
	if e.Kind == Output {
		return e.Off + int64(len(e.Bytes))
	}
	return e.Off
}

// status is the one number that a shell makes of an exit.
func (e Exit) status() int {
	if e.Signal != "" {
		return 128 + int(unix.SignalNum(e.Signal))
	}
	return e.Code
}
