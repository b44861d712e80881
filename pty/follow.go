package pty

import (
	"context"
	"iter"
	"math"
	"time"
)

const (
	// chunkBytes limits one Output event.
	chunkBytes = 32 << 10
	// coalesceTime is how long continuous output is collected for one event.
	coalesceTime = 2 * time.Millisecond
	// lineBytes is how far a Reset searches for the start of a line.
	lineBytes = 4 << 10
)

// EventKind is the kind of an Event.
type EventKind int

const (
	// Output carries Bytes, which begin at Off.
	Output EventKind = iota
	// Reset clears the screen: the next Output begins at Off. Bytes, if any, make a terminal of the last size show the
	// screen at Off.
	Reset
	// Resize means that the output from Off is for Size.
	Resize
	// Exited reports how the program ended. It is the last event.
	Exited
	// Stalled means that the viewer has drawn nothing for Config.Stall with a full window of output pending. It is the
	// last event.
	Stalled
	// Present reports the attached viewers. It has no position in the output.
	Present
)

// Event is an event for a follower. The fields depend on Kind; Off is always set. Bytes are shared: do not change them.
type Event struct {
	Kind     EventKind
	Off      int64
	Bytes    []byte
	Size     Size
	Exit     Exit
	Presence Presence
}

// Last reports whether the event is the last one.
func (e Event) Last() bool { return e.Kind == Exited || e.Kind == Stalled }

// Follow yields the shell's output from offset from, and other events at their positions in the output, until the shell
// ends (Exited is the last event), the viewer stops drawing (Stalled is the last event), ctx ends, or the same viewer
// follows the shell again.
//
// It begins with Resize, the size at that offset. If from is FromScreen or FromHistory, no longer kept, or beyond the
// end, a Reset follows with the current screen, then new output. From -1 is the oldest kept byte: Reset without a
// screen, then Resize. A viewer whose position the ring has overwritten gets the screen too. If a shell is removed from
// its table, a viewer that waits for its own Ack gets Exited immediately.
//
// At most Config.Window unacknowledged bytes are yielded. Acknowledge the offset of a Reset after clearing the screen:
// that covers everything before it.
//
// While the shell runs, Present reports the attached viewers: once the viewer is up to date, and after each change, at
// most every presencePause.
//
// If the viewer can type, the shell's reader is as fast as the fastest such viewer draws, see [Shell.Ack], while that
// one makes progress. It also waits for the others that can type, so that viewers of about the same speed lose nothing,
// but for each no longer than patience at a time and 1/waitShare of the time. View-only viewers never slow anything.
func (s *Shell) Follow(ctx context.Context, viewer Viewer, from int64) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		f := s.attach(viewer, from)
		defer s.detach(f)
		for {
			event, ok := f.next(ctx)
			if !ok || !yield(event) || event.Last() {
				return
			}
		}
	}
}

// follower is the cursor of one Follow. All fields but wake and timer are guarded by the shell's mutex.
type follower struct {
	shell    *Shell
	viewer   *viewer
	replaced bool // the viewer has followed again

	cursor int64     // offset of the next byte to yield
	reset  bool      // a Reset is due
	screen bool      // with the screen
	rows   int       // and this many rows of history
	mark   int       // number of the last yielded size
	sentAt time.Time // when output was last yielded
	inputs uint64    // the shell's input count at that time
	wakeAt int64     // wake it when the output reaches this offset

	acked     int64 // the viewer has drawn everything before
	undrawn   spans // yielded but not acknowledged
	progress  time.Time
	fullSince time.Time // since when the window is full; zero if it is not
	stalled   bool      // no progress for too long; does not slow the reader
	rate      drawRate

	// When this is not the fastest viewer:
	level  int64     // offset at which it was last up to date
	late   bool      // it took too long: the reader does not wait for it until it is up to date
	paidAt time.Time // when the waits for it are no longer more than their share of the time

	presenceSeen uint64    // last yielded presence change
	presenceSent time.Time // when it was yielded

	wake  chan struct{} // holds one token
	timer *time.Timer
}

func newFollower(s *Shell, v *viewer) *follower {
	f := &follower{shell: s, viewer: v, wake: make(chan struct{}, 1)}
	f.timer = time.NewTimer(time.Hour)
	f.timer.Stop()
	return f
}

// seek sets the cursor to from, or as close as possible.
func (f *follower) seek(from int64) {
	ring := &f.shell.ring
	f.cursor = from
	f.rows = attachRows
	switch {
	case from == FromHistory:
		f.rows = historyRows
		f.showScreen()
	case from == -1:
		f.jump(ring.start())
	case from < ring.start() || from > ring.end:
		f.showScreen()
	}
	f.acked, f.level = f.cursor, f.cursor
	f.progress = time.Now()
}

// jump moves the cursor to off, or to the next line if bytes before it were lost, and makes a Reset due.
func (f *follower) jump(off int64) {
	f.reset = true
	f.cursor = off
	if off > 0 {
		f.cursor = f.shell.ring.lineStart(off, lineBytes)
	}
}

// showScreen moves the cursor to the end, and makes a Reset with the screen due.
func (f *follower) showScreen() {
	f.reset, f.screen = true, true
	f.cursor = f.shell.ring.end
}

// acknowledge records what was drawn, and reports whether that is progress.
func (f *follower) acknowledge(off int64) bool {
	if off <= f.acked {
		return false
	}
	now := time.Now()
	f.rate.drew(off, off-f.acked, now.Sub(f.progress), now)
	f.acked = off
	f.undrawn = f.undrawn.trim(off)
	f.rate.busy = f.undrawn.bytes() > 0
	f.progress, f.fullSince = now, time.Time{}
	f.stalled = false
	if f.shell.ring.end-off < f.shell.ahead/levelShare {
		f.level, f.late = off, false
	}
	return true
}

// before reports whether a screen or output before offset end is still to be yielded.
func (f *follower) before(end int64) bool {
	f.shell.mu.Lock()
	defer f.shell.mu.Unlock()
	return f.cursor < end || f.reset || f.screen
}

// notify wakes the follower if it waits.
func (f *follower) notify() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// next waits for the next event. ok is false if there are no more.
func (f *follower) next(ctx context.Context) (event Event, ok bool) {
	for ctx.Err() == nil {
		event, status, wait := f.step()
		switch status {
		case stepEvent:
			return event, true
		case stepDone:
			return Event{}, false
		}
		if wait > 0 {
			f.timer.Reset(wait)
		}
		select {
		case <-f.wake:
		case <-f.timer.C:
		case <-ctx.Done():
		}
		f.timer.Stop()
	}
	return Event{}, false
}

// stepStatus is the result of a step.
type stepStatus int

const (
	stepWait  stepStatus = iota // nothing yet
	stepEvent                   // an event
	stepDone                    // no more events
)

// step returns the next event if there is one, else how long to wait at most; 0 is unlimited.
func (f *follower) step() (event Event, status stepStatus, wait time.Duration) {
	f.shell.mu.Lock()
	defer f.shell.mu.Unlock()
	if f.replaced {
		return event, stepDone, 0
	}
	if event, status, wait = f.advance(); status == stepWait {
		return f.nextPresence(wait)
	}
	return event, status, wait
}

// advance returns the next output event. It requires s.mu.
func (f *follower) advance() (event Event, status stepStatus, wait time.Duration) {
	s := f.shell
	room := s.window - f.undrawn.bytes()
	// With room for half a window the viewer has something to acknowledge after the Reset.
	if f.lost() && (f.reset || room >= s.window/2) {
		f.showScreen()
	}
	if f.screen {
		f.cursor = s.ring.end // output may have arrived since
	}
	switch mark, next := s.sizes.at(f.cursor, s.ring.end); {
	case f.lost():
	case f.screen && mark.number != f.mark:
		f.mark = mark.number
		return Event{Kind: Resize, Off: f.cursor, Size: mark.size}, stepEvent, 0
	case f.screen:
		rows := f.rows
		f.reset, f.screen, f.rows = false, false, attachRows
		return Event{Kind: Reset, Off: f.cursor, Bytes: s.draw(rows)}, stepEvent, 0
	case f.reset:
		f.reset = false
		return Event{Kind: Reset, Off: f.cursor}, stepEvent, 0
	case mark.number != f.mark:
		f.mark = mark.number
		return Event{Kind: Resize, Off: f.cursor, Size: mark.size}, stepEvent, 0
	case next > f.cursor && room > 0:
		return f.output(next, room)
	case f.cursor == s.ring.end && s.exit != nil:
		return s.exited(), stepEvent, 0
	case f.cursor == s.ring.end:
		f.wakeAt = f.cursor + 1
		return event, stepWait, 0
	}
	if s.removed {
		return s.exited(), stepEvent, 0
	}
	return f.waitForAck()
}

// waitForAck waits until the viewer has drawn something, or has stalled.
func (f *follower) waitForAck() (event Event, status stepStatus, wait time.Duration) {
	f.wakeAt = math.MaxInt64 // the next Ack wakes it
	if f.fullSince.IsZero() {
		f.fullSince = time.Now()
	}
	if wait = f.shell.stall - time.Since(f.fullSince); wait > 0 {
		return event, stepWait, wait
	}
	return Event{Kind: Stalled, Off: f.cursor}, stepEvent, 0
}

// lost reports whether the ring has overwritten the cursor.
func (f *follower) lost() bool { return f.cursor < f.shell.ring.start() }

// output returns bytes up to offset end, limited by room and chunkBytes. After a pause or input it returns the first
// bytes immediately; continuous output is collected for up to coalesceTime. In a flood, pieces end at multiples of
// chunkBytes, so that all followers get the same.
func (f *follower) output(end int64, room int) (event Event, status stepStatus, wait time.Duration) {
	s := f.shell
	limit := min(chunkBytes, room)
	if end-f.cursor > chunkBytes {
		limit = min(chunkBytes-int(f.cursor%chunkBytes), room)
	}
	n := int(min(end-f.cursor, int64(limit)))
	now := time.Now()
	flowing := n < limit && end == s.ring.end && s.exit == nil && f.inputs == s.inputs
	if wait := coalesceTime - now.Sub(f.sentAt); flowing && wait > 0 {
		f.wakeAt = f.cursor + int64(limit)
		return event, stepWait, wait
	}
	event = Event{Kind: Output, Off: f.cursor, Bytes: s.ring.read(f.cursor, n)}
	f.undrawn = f.undrawn.add(f.cursor, n)
	f.cursor += int64(n)
	f.sentAt, f.inputs = now, s.inputs
	f.rate.sent(f.cursor, now)
	return event, stepEvent, 0
}
