package pty

import (
	"fmt"
	"time"
)

// maxViewers bounds the viewers that a shell remembers the numbers of.
const maxViewers = 1024

// Viewer is one attachment of one tab to a shell.
type Viewer struct {
	ID     string // what Input, Ack and Fit call it; nobody else's business
	Name   string // what the others see; "": its number
	Types  bool   // it may type; else it watches
	Hidden bool   // it is not shown among those who are there
}

// viewer is what the shell knows of one viewer by its id. It outlives the
// viewer's streams, so that a page that lost its stream goes on counting.
type viewer struct {
	number  int // from 1, in the order in which they came
	name    string
	types   bool
	hidden  bool
	numbers *numbers
	follow  *follower // nil: not attached
	typing  int       // inputs under way
	typed   time.Time // when it typed last
	room    Size      // what its window holds; zero: not told
	used    uint64    // when it was last seen, by the shell's count
}

// viewer finds or makes the viewer of that id. One that only types may type: who
// may not does not get here. The shell is locked.
func (s *Shell) viewer(id string) *viewer {
	s.seen++
	v := s.viewers[id]
	if v == nil {
		if len(s.viewers) >= maxViewers {
			s.dropIdlest()
		}
		s.numbered++
		v = &viewer{number: s.numbered, types: true, numbers: newNumbers()}
		s.viewers[id] = v
	}
	v.used = s.seen
	return v
}

// dropIdlest forgets the viewer that was not seen for longest, of those that
// neither follow nor type.
func (s *Shell) dropIdlest() {
	idlest, used := "", s.seen
	for id, v := range s.viewers {
		if v.follow == nil && v.typing == 0 && v.used < used {
			idlest, used = id, v.used
		}
	}
	if used < s.seen {
		delete(s.viewers, idlest)
	}
}

// Ack says that the viewer has drawn everything before off. It lets the
// viewer's Follow go on and, if it may type, the shell's reader. An offset
// beyond the output is ErrBadOffset. One that is older than the last is ignored,
// and so is a viewer that does not follow the shell.
func (s *Shell) Ack(viewer string, off int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if off > s.ring.end {
		return fmt.Errorf("acknowledge %d of shell %q: %w (%d)", off, s.id, ErrBadOffset, s.ring.end)
	}
	if v := s.viewers[viewer]; v != nil && v.follow != nil && v.follow.acknowledge(off) {
		v.follow.poke()
		s.resumeReader()
	}
	return nil
}

// MayType returns ErrWatching if the viewer is attached to watch, and else nil.
// What only those may do who could type it asks this first.
func (s *Shell) MayType(viewer string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.viewers[viewer]; v != nil && !v.types {
		return ErrWatching
	}
	return nil
}

// attach begins a follower, and ends the one that the viewer had.
func (s *Shell) attach(who Viewer, from int64) *follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewer(who.ID)
	v.name, v.types, v.hidden = who.Name, who.Types, who.Hidden
	if v.follow != nil {
		v.follow.replaced = true
		v.follow.poke()
		s.unlist(v.follow)
	}
	f := newFollower(s, v)
	f.begin(from)
	v.follow = f
	s.followers = append(s.followers, f)
	s.presenceChanged()
	s.resumeReader()
	return f
}

// detach ends a follower.
func (s *Shell) detach(f *follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.timer.Stop()
	if f.viewer.follow == f {
		f.viewer.follow = nil
		s.seen++
		f.viewer.used = s.seen
		s.presenceChanged()
	}
	s.unlist(f)
	s.resumeReader()
}

// unlist takes a follower off the list of those that are woken and paced for.
func (s *Shell) unlist(f *follower) {
	for i, other := range s.followers {
		if other == f {
			s.followers = append(s.followers[:i], s.followers[i+1:]...)
			return
		}
	}
}
