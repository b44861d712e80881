package pty

import (
	"context"
	"iter"
	"math"
	"time"
)

const (
	// chunkBytes is the most that one Output event carries.
	chunkBytes = 32 << 10
	// coalesceTime is how long output that flows is collected for one event.
	coalesceTime = 2 * time.Millisecond
	// lineBytes is how far a Reset looks for the beginning of a line.
	lineBytes = 4 << 10
)

// EventKind says what an Event means.
type EventKind int

const (
	// Output carries Bytes, which begin at Off.
	Output EventKind = iota
	// Reset says that the next Output begins at Off, whatever came before: clear
	// the screen, and show Bytes, if there are any: they make a terminal of the
	// last size show the screen as it is at Off.
	Reset
	// Resize says that from Off on the output is meant for Size.
	Resize
	// Exited says how the program ended. It is the last event.
	Exited
	// Stalled says that the viewer has drawn nothing for Config.Stall though
	// there is a whole window of output that it was given: it is not waited for
	// any longer. It is the last event.
	Stalled
	// Present says who is there now. It has no place in the output.
	Present
)

// Event is one thing that a follower is told. Which fields are set depends on
// Kind; Off always is. Bytes belong to the receiver.
type Event struct {
	Kind     EventKind
	Off      int64
	Bytes    []byte
	Size     Size
	Exit     Exit
	Presence Presence
}

// Last reports that nothing comes after the event.
func (e Event) Last() bool { return e.Kind == Exited || e.Kind == Stalled }

// Follow yields the shell's output from offset from, with everything else that
// happens at its place in the output, until the shell has ended (Exited is the
// last event), the viewer draws no more (Stalled is the last event), ctx is done,
// or the same viewer follows the shell anew.
//
// It begins with Resize, the size in force there. If from is FromScreen or FromHistory, not kept
// any more, or beyond the end, a Reset follows with the screen as it is now, and
// the output from now on. From -1 is the oldest byte kept: Reset without a screen,
// then Resize. When the ring turns over under a viewer, that viewer gets the
// screen as well. A shell that is removed from its table yields
// Exited at once to a viewer that waits for its own Ack.
//
// At most Config.Window bytes are yielded that were not acknowledged. The
// offset of a Reset should be acknowledged when the screen was cleared: that
// counts for all that came before it.
//
// Who is there comes as Present while the shell runs: when the viewer has what it
// came for, and after each change, at most once in presencePause.
//
// If the viewer may type, the shell's reader goes no faster than the fastest such
// viewer draws, see [Shell.Ack], as long as that one makes progress. Others never
// slow anybody.
func (s *Shell) Follow(ctx context.Context, viewer Viewer, from int64) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		s.attach(viewer, from).events(ctx)(yield)
	}
}

// events yields what the follower is told, and detaches it at the end.
func (f *follower) events(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		defer f.shell.detach(f)
		for {
			event, ok := f.next(ctx)
			if !ok || !yield(event) || event.Last() {
				return
			}
		}
	}
}

// follower is one Follow: a cursor over the ring. All but wake and timer is
// guarded by the shell's mutex.
type follower struct {
	shell    *Shell
	viewer   *viewer
	replaced bool // the viewer follows anew

	cursor int64     // offset of the next byte to yield
	reset  bool      // a Reset is due
	screen bool      // and the screen with it,
	rows   int       // with so many rows of history
	mark   int       // number of the size last yielded
	sent   time.Time // when output was last yielded
	inputs uint64    // the shell's count of inputs then
	wanted int64     // wake it when the output reaches this offset

	acked    int64 // the viewer has drawn everything before
	undrawn  spans // what was yielded and is not acknowledged
	progress time.Time
	full     time.Time // since when there has been no room; zero while there is
	stalled  bool      // made no progress for too long; does not pace
	speed    speed

	present   uint64    // the change of presence that was told last
	presentAt time.Time // when

	wake  chan struct{} // holds one token
	timer *time.Timer
}

func newFollower(s *Shell, v *viewer) *follower {
	f := &follower{shell: s, viewer: v, wake: make(chan struct{}, 1)}
	f.timer = time.NewTimer(time.Hour)
	f.timer.Stop()
	return f
}

// begin puts the cursor where the viewer wants it, or as near as possible.
func (f *follower) begin(from int64) {
	ring := &f.shell.ring
	f.cursor = from
	f.rows = comingRows
	switch {
	case from == FromHistory:
		f.rows = keptRows
		f.showScreen()
	case from == -1:
		f.jump(ring.start())
	case from < ring.start() || from > ring.end:
		f.showScreen()
	}
	f.acked = f.cursor
	f.progress = time.Now()
}

// jump moves the cursor to off, or the first line after it if bytes before it
// were lost, and has a Reset yielded.
func (f *follower) jump(off int64) {
	f.reset = true
	f.cursor = off
	if off > 0 {
		f.cursor = f.shell.ring.lineStart(off, lineBytes)
	}
}

// showScreen moves the cursor to the end, and has the screen yielded.
func (f *follower) showScreen() {
	f.reset, f.screen = true, true
	f.cursor = f.shell.ring.end
}

// acknowledge notes what was drawn, and reports whether that is news.
func (f *follower) acknowledge(off int64) bool {
	if off <= f.acked {
		return false
	}
	now := time.Now()
	f.speed.drew(off, off-f.acked, now.Sub(f.progress), now)
	f.acked = off
	f.undrawn = f.undrawn.forget(off)
	f.speed.busy = f.undrawn.bytes() > 0
	f.progress, f.full = now, time.Time{}
	f.stalled = false
	return true
}

// poke wakes the follower if it waits.
func (f *follower) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// next waits for the next event. It is not ok when there will be none.
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

// stepStatus says what a step found.
type stepStatus int

const (
	stepWait  stepStatus = iota // nothing now
	stepEvent                   // an event
	stepDone                    // nothing any more
)

// step takes the next event if there is one. Otherwise it says how long to wait
// at most; 0 is without bound.
func (f *follower) step() (event Event, status stepStatus, wait time.Duration) {
	f.shell.mu.Lock()
	defer f.shell.mu.Unlock()
	if f.replaced {
		return event, stepDone, 0
	}
	if event, status, wait = f.advance(); status == stepWait {
		return f.tellPresence(wait)
	}
	return event, status, wait
}

// advance takes the next event of the output. The shell is locked.
func (f *follower) advance() (event Event, status stepStatus, wait time.Duration) {
	s := f.shell
	room := s.window - f.undrawn.bytes()
	// Room for half a window makes sure that the viewer has cause to acknowledge
	// what comes after the Reset.
	if f.lost() && (f.reset || room >= s.window/2) {
		f.showScreen()
	}
	if f.screen {
		f.cursor = s.ring.end // output may have come since
	}
	switch mark, next := s.sizes.at(f.cursor, s.ring.end); {
	case f.lost():
	case f.screen && mark.number != f.mark:
		f.mark = mark.number
		return Event{Kind: Resize, Off: f.cursor, Size: mark.size}, stepEvent, 0
	case f.screen:
		rows := f.rows
		f.reset, f.screen, f.rows = false, false, comingRows
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
		f.wanted = f.cursor + 1
		return event, stepWait, 0
	}
	if s.removed {
		return s.exited(), stepEvent, 0
	}
	return f.waitForAck()
}

// waitForAck waits until the viewer has drawn something, but not for ever.
func (f *follower) waitForAck() (event Event, status stepStatus, wait time.Duration) {
	f.wanted = math.MaxInt64 // the next Ack wakes it
	if f.full.IsZero() {
		f.full = time.Now()
	}
	if wait = f.shell.stall - time.Since(f.full); wait > 0 {
		return event, stepWait, wait
	}
	return Event{Kind: Stalled, Off: f.cursor}, stepEvent, 0
}

// lost reports whether the ring has turned over the cursor.
func (f *follower) lost() bool { return f.cursor < f.shell.ring.start() }

// output takes the bytes up to offset end, as far as there is room for them and
// one event carries. The first bytes after a pause, or after something was typed,
// it takes at once; while output flows it waits for a whole event's worth, no
// longer than coalesceTime.
func (f *follower) output(end int64, room int) (event Event, status stepStatus, wait time.Duration) {
	s := f.shell
	most := min(chunkBytes, room)
	n := int(min(end-f.cursor, int64(most)))
	now := time.Now()
	flowing := n < most && end == s.ring.end && s.exit == nil && f.inputs == s.inputs
	if wait := coalesceTime - now.Sub(f.sent); flowing && wait > 0 {
		f.wanted = f.cursor + int64(most)
		return event, stepWait, wait
	}
	event = Event{Kind: Output, Off: f.cursor, Bytes: s.ring.read(f.cursor, n)}
	f.undrawn = f.undrawn.add(f.cursor, n)
	f.cursor += int64(n)
	f.sent, f.inputs = now, s.inputs
	f.speed.sent(f.cursor, now)
	return event, stepEvent, 0
}
