package pty

import (
	"fmt"
	"math"
	"slices"
	"time"

	"convoy/pty/journal"
)

// maxViewers limits the viewers that a shell remembers.
const maxViewers = journal.MaxViewers

// Viewer is one attachment of one tab to a shell.
type Viewer struct {
	ID      string // for Input, Ack, and Fit; secret
	Name    string // shown to others; "": its number
	CanType bool   // else it is view-only
	Hidden  bool   // not shown to others
}

// viewer is the state of a viewer. It outlives the viewer's streams, so that a page that lost its stream can continue
// its numbers.
type viewer struct {
	number   int // from 1, in order of arrival
	name     string
	canType  bool
	hidden   bool
	sequence *sequencer
	slot     *journal.Slot
	follow   *follower // nil: not attached
	inFlight int       // inputs in progress
	typedAt  time.Time // when it last typed
	room     Size      // its window; zero: unknown
	lastUse  uint64    // last use, by the shell's count
}

// viewer returns or creates the viewer with an id. A new one can type: callers have checked that. It requires s.mu.
func (s *Shell) viewer(id string) *viewer {
	s.uses++
	v := s.viewers[id]
	if v == nil {
		if len(s.viewers) >= maxViewers {
			s.dropIdleViewer()
		}
		s.arrivals++
		v = &viewer{number: s.arrivals, canType: true, sequence: newSequencer(), slot: s.journal.Viewer(id, s.arrivals)}
		s.viewers[id] = v
	}
	v.lastUse = s.uses
	return v
}

// dropIdleViewer drops the least recently used viewer that neither follows nor types.
func (s *Shell) dropIdleViewer() {
	idlest, used := "", s.uses
	for id, v := range s.viewers {
		if v.follow == nil && v.inFlight == 0 && v.lastUse < used {
			idlest, used = id, v.lastUse
		}
	}
	if used < s.uses {
		s.viewers[idlest].slot.Free()
		delete(s.viewers, idlest)
	}
}

// Ack reports that the viewer has drawn everything before off. It lets the viewer's Follow continue and, if it can
// type, the shell's reader. An offset beyond the output is ErrBadOffset. An older offset is ignored, and so is a viewer
// that does not follow the shell.
func (s *Shell) Ack(viewer string, off int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if off > s.ring.end {
		return fmt.Errorf("acknowledge %d of shell %q: %w (%d)", off, s.id, ErrBadOffset, s.ring.end)
	}
	if v := s.viewers[viewer]; v != nil && v.follow != nil && v.follow.acknowledge(off) {
		if v.follow.wakeAt == math.MaxInt64 { // it waits for this
			v.follow.notify()
		}
		s.resumeReader()
	}
	return nil
}

// MayType returns ErrViewOnly if the viewer is attached view-only, else nil. Check it before actions that require
// typing.
func (s *Shell) MayType(viewer string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.viewers[viewer]; v != nil && !v.canType {
		return ErrViewOnly
	}
	return nil
}

// attach starts a follower, and ends the viewer's previous one.
func (s *Shell) attach(viewer Viewer, from int64) *follower {
	f, resized := s.addFollower(viewer, from)
	if resized {
		s.onChange()
	}
	return f
}

func (s *Shell) addFollower(viewer Viewer, from int64) (f *follower, resized bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewer(viewer.ID)
	v.name, v.canType, v.hidden = viewer.Name, viewer.CanType, viewer.Hidden
	v.slot.SetState(v.number, v.canType, v.hidden)
	if v.follow != nil {
		v.follow.replaced = true
		v.follow.notify()
		s.followers = without(s.followers, v.follow)
	}
	f = newFollower(s, v)
	f.seek(from)
	v.follow = f
	s.followers = append(s.followers, f)
	resized = s.giveSize()
	s.presenceChanged()
	s.resumeReader()
	return f, resized
}

func (s *Shell) detach(f *follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.timer.Stop()
	if f.viewer.follow == f {
		f.viewer.follow = nil
		s.uses++
		f.viewer.lastUse = s.uses
		s.presenceChanged()
	}
	s.followers = without(s.followers, f)
	s.resumeReader()
}

// without returns the list without one of its elements.
func without[T comparable](list []T, one T) []T {
	return slices.DeleteFunc(list, func(other T) bool { return other == one })
}
