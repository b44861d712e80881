package pty

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"convoy/pty/journal"
	"convoy/pty/screen"
)

const (
	// ownerReturns is how long after an adoption the owner of a size keeps it although it is not attached.
	ownerReturns = 15 * time.Second
	// replayWork limits the drawing work to restore one screen, unless only the newest checkpoint is left.
	replayWork = 2 * checkpointWork
)

// Adopt continues the shells that an earlier process left with the Keeper, in their order. Call it before anything else
// uses the table, which owns the files from then on. A shell that cannot be continued is hung up, dropped, and logged.
func (t *Table) Adopt(kept []Kept) {
	if t.config.Keeper == nil {
		return
	}
	shells := make([]*Shell, len(kept))
	var restoring sync.WaitGroup
	for i, k := range kept {
		restoring.Go(func() { shells[i] = t.adopt(k) })
	}
	restoring.Wait()
	shells = slices.DeleteFunc(shells, func(s *Shell) bool { return s == nil })
	slices.SortStableFunc(shells, func(a, b *Shell) int {
		return cmp.Or(cmp.Compare(a.order, b.order), a.started.Compare(b.started))
	})
	t.mu.Lock()
	t.shells = append(t.shells, shells...)
	if len(shells) > 0 {
		t.startReaper()
	}
	t.mu.Unlock()
	for _, s := range shells {
		s.keep() // unlike its predecessor, it may have no recording
	}
	t.touch()
}

// adopt continues one shell. It returns nil if that is impossible.
func (t *Table) adopt(k Kept) *Shell {
	s, record, err := t.restore(k)
	if err != nil {
		t.config.Log.Error("shell not continued", "shell", k.ID, "pid", k.Pid, "err", err)
		t.discard(k)
		return nil
	}
	if s.exit != nil {
		s.log.Info("ended shell continued", "off", s.ring.end)
		return s
	}
	exit := Exit{Code: -1}
	s.run(func() bool { return s.awaitAdopted(&exit) }, func() Exit { return exit })
	s.mu.Lock()
	s.sendReplies()              // to queries that the earlier process had not answered
	if s.activity.timer == nil { // else output has arrived already
		s.activity.timer = time.AfterFunc(0, s.look)
	}
	s.mu.Unlock()
	if record != nil {
		record()
	}
	s.log.Info("shell continued", "pid", s.pid, "off", s.journal.End())
	return s
}

// awaitAdopted waits for a program that is not our child. It returns false if the shell is left before.
func (s *Shell) awaitAdopted(exit *Exit) bool {
	status, err := s.keeper.Wait(s.stay, s.pid)
	switch {
	case err == nil:
		*exit = exitOfStatus(status)
	case s.stay.Err() != nil:
		return false
	default:
		s.log.Warn("exit status unknown", "err", err)
		return pollExit(s.stay, s.pid, s.birth)
	}
	return true
}

// restore makes a shell of what is kept; record, if set, starts its recorder. After an error, the caller owns the files
// again, except the journal.
func (t *Table) restore(k Kept) (s *Shell, record func(), err error) {
	d, err := parseData(k)
	if err != nil {
		return nil, nil, err
	}
	program, ok := t.program(d.Kind)
	if !ok {
		return nil, nil, fmt.Errorf("continue shell of kind %q: %w", d.Kind, ErrKind)
	}
	j, state, err := journal.Open(k.Files[keptJournal])
	if err != nil {
		return nil, nil, err
	}
	last := state.Marks[len(state.Marks)-1]
	s = t.newShell(t.config, program, k.ID, Size{last.Rows, last.Cols})
	s.journal, s.pid, s.birth = j, k.Pid, d.Birth
	s.right, s.name, s.order, s.started, s.active = d.Right, d.Name, d.Order, d.Started, state.Active
	s.restoreOutput(state)
	s.restoreViewers(state)
	if d.Exit != nil {
		s.endRestored(d)
		return s, nil, nil
	}
	if err := s.restoreTerminal(k.Files); err != nil {
		j.Close()
		return nil, nil, err
	}
	s.restoreActivity(d.Activity)
	if d.Recording != "" {
		record = t.resume(s, d.Recording)
	}
	return s, record, nil
}

// endRestored makes it a shell that has ended.
func (s *Shell) endRestored(d keptData) {
	s.exit, s.dir, s.replies = d.Exit, d.Dir, nil
	s.leave()
	close(s.dead)
	close(s.hurry)
	close(s.readDone)
	close(s.ended)
}

// restoreTerminal takes the terminal and the attachment.
func (s *Shell) restoreTerminal(files []*os.File) error {
	var keep *os.File
	if len(files) > keptAttachment {
		keep = files[keptAttachment]
	}
	ptmx, err := pollable(files[keptTerminal])
	if err != nil {
		return fmt.Errorf("continue terminal: %w", err)
	}
	s.attachment = Attachment{Close: func() {}}
	switch {
	case s.program.Reattach != nil:
		if s.attachment, err = s.program.Reattach(s.Right, keep); err != nil {
			ptmx.Close() //nolint:errcheck // a duplicate
			return fmt.Errorf("continue connection: %w", err)
		}
	case keep != nil:
		keep.Close() //nolint:errcheck // a duplicate
	}
	files[keptTerminal].Close() //nolint:errcheck // a duplicate
	s.terminal = &terminal{ptmx: ptmx, tty: files[keptTTY]}
	if size, err := s.terminal.size(); err == nil && size.valid() && size != s.sizes.last() {
		s.sizes = s.sizes.add(s.ring.end, size) // the earlier process has set it, but not recorded
		s.journal.Mark(s.ring.end, size.Rows, size.Cols)
		s.screen.Resize(size.Rows, size.Cols)
	}
	return nil
}

// restoreViewers continues the viewers' numbers.
func (s *Shell) restoreViewers(state *journal.State) {
	for i, kept := range state.Viewers {
		v := &viewer{number: kept.Number, canType: kept.CanType, hidden: kept.Hidden,
			room: Size{kept.Rows, kept.Cols}, sequence: newSequencer(), slot: kept.Slot}
		v.sequence.next, v.sequence.part = kept.Next, kept.Part
		s.viewers[kept.ID] = v
		s.arrivals = max(s.arrivals, kept.Number)
		if i == state.Owner {
			s.owner, s.pinned, s.awaitOwner = v, state.Pinned, time.Now().Add(ownerReturns)
		}
	}
}

// restoreOutput restores the ring, the sizes, and the screen.
func (s *Shell) restoreOutput(state *journal.State) {
	j := s.journal
	s.ring.begin(max(j.Start(), j.End()-int64(s.ring.max)))
	for part := range j.Bytes(s.ring.end, j.End()) {
		s.ring.write(part)
	}
	s.sizes = nil
	for _, m := range state.Marks {
		s.sizes = s.sizes.add(m.Off, Size{m.Rows, m.Cols})
	}
	s.sizes = s.sizes.trim(s.ring.start())
	candidates := j.Checkpoints(state)
	for i, c := range candidates {
		limit := replayWork
		if i == len(candidates)-1 {
			limit = math.MaxInt
		}
		if model, ok := s.replay(state, c, limit); ok {
			s.screen = model
			s.saved = saved{off: c.Off, marks: c.Marks}
			break
		}
	}
	s.shown, s.drawn, s.title = s.ring.end, s.screen.Work(), s.screen.Title()
}

// replay returns the screen that follows from a checkpoint. The replies to queries that are not answered yet are in
// s.replies then. It returns false if the work exceeds limit.
func (s *Shell) replay(state *journal.State, c journal.Checkpoint, limit int) (*screen.Screen, bool) {
	model := s.newScreen(Size{c.Rows, c.Cols})
	reply := model.Replies
	model.Replies, s.replies = nil, nil
	model.Write(c.Bytes) //nolint:errcheck // never fails
	off := c.Off
	feed := func(to int64) bool {
		for part := range s.journal.Bytes(off, to) {
			if n := model.WriteSome(part, limit-min(model.Work(), limit)); n < len(part) {
				return false
			}
		}
		off = max(off, to)
		return true
	}
	feedAll := func(to int64) bool {
		if off < state.Replied && !feed(min(to, state.Replied)) {
			return false
		}
		if off >= state.Replied {
			model.Replies = reply
		}
		return feed(to)
	}
	for _, m := range state.Marks {
		if m.Number < c.Marks {
			continue
		}
		if !feedAll(m.Off) {
			return nil, false
		}
		model.Resize(m.Rows, m.Cols)
	}
	return model, feedAll(s.journal.End())
}

// discard hangs up a kept shell: the kernel sends HUP when the last descriptor of the terminal is closed, and what
// remains gets KILL.
func (t *Table) discard(k Kept) {
	var groups []int
	if len(k.Files) > keptTerminal {
		ptmx := &terminal{ptmx: k.Files[keptTerminal]}
		if ptmx.session() == k.Pid { // it is its program, and not another process with that pid
			groups = append(groups, k.Pid)
		}
		if foreground := ptmx.foreground(); foreground > 0 && foreground != k.Pid {
			groups = append(groups, foreground)
		}
	}
	t.config.Keeper.Drop(k.ID)
	for _, file := range k.Files {
		file.Close() //nolint:errcheck // nothing is written
	}
	signalGroups(groups, syscall.SIGHUP, syscall.SIGCONT)
	t.reaper.Go(func() {
		grace, cancel := context.WithTimeout(context.Background(), hangUpGrace)
		defer cancel()
		tick := time.NewTicker(groupPollTime)
		defer tick.Stop()
		for slices.ContainsFunc(groups, groupAlive) {
			select {
			case <-tick.C:
				continue
			case <-grace.Done():
			case <-t.quit:
			}
			signalGroups(groups, syscall.SIGKILL)
			return
		}
	})
}
