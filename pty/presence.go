package pty

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

const (
	// presencePause is the minimum time between two Present events of a viewer.
	presencePause = 250 * time.Millisecond
	// typingTime is how long a viewer counts as typing after a key.
	typingTime = 2 * time.Second
	// maxPresent limits the viewers that Presence lists.
	maxPresent = 32
)

// Presence lists the viewers of a shell, and the owner of its size.
type Presence struct {
	You     int           `json:"you"`     // the receiver's number
	Count   int           `json:"count"`   // all viewers, including unlisted ones
	Viewers []Participant `json:"viewers"` // those that can type first; at most 32
	Owner   int           `json:"owner"`   // whose window the size fits; 0: none
	Pinned  bool          `json:"pinned"`  // the size stays, no matter who types
}

// Participant is an attached viewer.
type Participant struct {
	Number int    `json:"n"`
	Name   string `json:"name"`
	Types  bool   `json:"types"`
	Typing bool   `json:"typing"` // within the last two seconds
}

// presenceChanged notifies followers. One that has not yielded the last change will yield both together. It requires
// s.mu.
func (s *Shell) presenceChanged() {
	for _, f := range s.followers {
		if f.presenceSeen == s.presenceVersion {
			f.notify()
		}
	}
	s.presenceVersion++
}

// recordTyping records that a viewer types: it now owns the size, and others see it typing.
func (s *Shell) recordTyping(v *viewer) {
	now := time.Now()
	s.mu.Lock()
	news := now.Sub(v.typedAt) > typingTime/2
	if news || s.owner != v {
		v.typedAt = now
	}
	changed := s.takeSize(v, false)
	s.updateAttendance()
	if changed || news && s.attendance.count > 1 {
		s.presenceChanged()
	}
	s.mu.Unlock()
	if changed {
		s.onChange()
	}
}

// nextPresence is the step of a follower without other events, which may wait: it yields a presence change. It requires
// s.mu.
func (f *follower) nextPresence(wait time.Duration) (Event, stepStatus, time.Duration) {
	s := f.shell
	if f.presenceSeen == s.presenceVersion || s.exit != nil {
		return Event{}, stepWait, wait
	}
	now := time.Now()
	if rest := presencePause - now.Sub(f.presenceSent); rest > 0 {
		if wait == 0 || rest < wait {
			wait = rest
		}
		return Event{}, stepWait, wait
	}
	f.presenceSeen, f.presenceSent = s.presenceVersion, now
	return Event{Kind: Present, Off: f.cursor, Presence: s.presence(f.viewer, now)}, stepEvent, 0
}

// presence is the Presence for a viewer. It requires s.mu.
func (s *Shell) presence(you *viewer, now time.Time) Presence {
	s.updateAttendance()
	p := Presence{You: you.number, Count: s.attendance.count, Viewers: make([]Participant, len(s.attendance.listed))}
	for i, v := range s.attendance.listed {
		p.Viewers[i] = Participant{v.number, v.name, v.canType, now.Sub(v.typedAt) < typingTime}
	}
	if s.ownerAttached() {
		p.Owner, p.Pinned = s.owner.number, s.pinned
	}
	return p
}

// Others counts the attached viewers except the one with that id, and names the first: those that can type come first.
func (s *Shell) Others(id string) (count int, first string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updateAttendance()
	count = s.attendance.count
	for _, v := range s.attendance.listed {
		if v == s.viewers[id] {
			count--
		} else if first == "" {
			first = cmp.Or(v.name, fmt.Sprintf("Viewer %d", v.number))
		}
	}
	return count, first
}

// attendance is the list of viewers, shared by all receivers.
type attendance struct {
	version uint64 // presence change that it reflects
	count   int
	listed  []*viewer // those that can type first
}

// updateAttendance requires s.mu.
func (s *Shell) updateAttendance() {
	if s.attendance.version == s.presenceVersion {
		return
	}
	var all []*viewer
	for _, f := range s.followers {
		if !f.viewer.hidden {
			all = append(all, f.viewer)
		}
	}
	slices.SortFunc(all, func(a, b *viewer) int {
		if a.canType != b.canType {
			if a.canType {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.number, b.number)
	})
	listed := slices.Clone(all[:min(maxPresent, len(all))])
	s.attendance = attendance{version: s.presenceVersion, count: len(all), listed: listed}
}
