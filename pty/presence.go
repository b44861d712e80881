package pty

import (
	"cmp"
	"slices"
	"time"
)

const (
	// presencePause is the least time between two Present events of a viewer.
	presencePause = 250 * time.Millisecond
	// typingTime is how long somebody counts as typing after a key.
	typingTime = 2 * time.Second
	// maxPresent bounds the viewers that Presence names.
	maxPresent = 32
)

// Presence says who looks at a shell, and whose size it has.
type Presence struct {
	You     int        `json:"you"`     // the receiver's number
	Count   int        `json:"count"`   // how many are there, also beyond those named
	Viewers []Attendee `json:"viewers"` // those who may type first; at most 32
	Owner   int        `json:"owner"`   // whose window the size fits; 0: nobody's
	Pinned  bool       `json:"pinned"`  // and it stays so, whoever types
}

// Attendee is one of those who are there.
type Attendee struct {
	Number int    `json:"n"`
	Name   string `json:"name"`
	Types  bool   `json:"types"`
	Typing bool   `json:"typing"` // typed within the last two seconds
}

// presenceChanged has every follower told who is there. Those that were not told of
// the last change yet will be told of this one with it. The shell is locked.
func (s *Shell) presenceChanged() {
	for _, f := range s.followers {
		if f.present == s.present {
			f.poke()
		}
	}
	s.present++
}

// noteTyping takes note that a viewer types: the size is its window's from now
// on, and the others see it.
func (s *Shell) noteTyping(v *viewer) {
	now := time.Now()
	s.mu.Lock()
	news := now.Sub(v.typed) > typingTime/2
	if news || s.owner != v {
		v.typed = now
	}
	changed := s.takeSize(v, false)
	s.lookAround()
	if changed || news && s.there.count > 1 {
		s.presenceChanged()
	}
	s.mu.Unlock()
	if changed {
		s.onChange()
	}
}

// tellPresence is the step of a follower that has nothing else to do, for wait at
// most: it tells of a change of who is there. The shell is locked.
func (f *follower) tellPresence(wait time.Duration) (Event, stepStatus, time.Duration) {
	s := f.shell
	if f.present == s.present || s.exit != nil {
		return Event{}, stepWait, wait
	}
	now := time.Now()
	if rest := presencePause - now.Sub(f.presentAt); rest > 0 {
		if wait == 0 || rest < wait {
			wait = rest
		}
		return Event{}, stepWait, wait
	}
	f.present, f.presentAt = s.present, now
	return Event{Kind: Present, Off: f.cursor, Presence: s.presence(f.viewer, now)}, stepEvent, 0
}

// presence is who is there, as you are told. The shell is locked.
func (s *Shell) presence(you *viewer, now time.Time) Presence {
	s.lookAround()
	p := Presence{You: you.number, Count: s.there.count, Viewers: make([]Attendee, len(s.there.named))}
	for i, v := range s.there.named {
		p.Viewers[i] = Attendee{v.number, v.name, v.types, now.Sub(v.typed) < typingTime}
	}
	if s.ownerThere() {
		p.Owner, p.Pinned = s.owner.number, s.pinned
	}
	return p
}

// attendance is who is shown, sorted once for all who are told.
type attendance struct {
	of    uint64 // changes of who is there
	count int
	named []*viewer // those who may type first
}

// lookAround brings the attendance up to date. The shell is locked.
func (s *Shell) lookAround() {
	if s.there.of == s.present {
		return
	}
	var all []*viewer
	for _, f := range s.followers {
		if !f.viewer.hidden {
			all = append(all, f.viewer)
		}
	}
	slices.SortFunc(all, func(a, b *viewer) int {
		if a.types != b.types {
			if a.types {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.number, b.number)
	})
	s.there = attendance{of: s.present, count: len(all), named: slices.Clone(all[:min(maxPresent, len(all))])}
}
