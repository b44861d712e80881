package pty

import "fmt"

// Claim says what a viewer wants of a shell's size.
type Claim string

const (
	// Offer tells how much room there is: the shell takes that size when the
	// viewer owns the size, or types later.
	Offer Claim = "offer"
	// Take asks for the size as well, unless it belongs to somebody who is there.
	Take Claim = "take"
	// Pin takes the size and keeps it, whoever types.
	Pin Claim = "pin"
	// Unpin lets the size go to who types next.
	Unpin Claim = "unpin"
)

// Fit tells how many rows and columns the viewer's window holds, and what it
// claims. The size has one owner at a time: who typed last, or who pinned it, as
// long as that viewer is attached. Joining changes nothing. What viewers see of it
// is Resize at its place in the output, and Present.
//
// ErrBadSize; ErrBadClaim; ErrWatching of a viewer who may not type. A shell that has ended:
// nothing happens.
func (s *Shell) Fit(id string, room Size, claim Claim) error {
	if !room.valid() {
		return fmt.Errorf("fit shell %q to %d×%d: %w", s.id, room.Rows, room.Cols, ErrBadSize)
	}
	changed, err := s.fit(id, room, claim)
	if changed {
		s.onChange()
	}
	return err
}

func (s *Shell) fit(id string, room Size, claim Claim) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.viewer(id)
	if !v.types {
		return false, fmt.Errorf("fit shell %q: %w", s.id, ErrWatching)
	}
	v.room = room
	owner, pinned := s.owner, s.pinned
	switch claim {
	case Offer:
		changed = s.owner == v && s.resizeTo(room)
	case Take:
		changed = (s.owner == v || !s.ownerThere()) && s.takeSize(v, true)
	case Pin:
		s.pinned = false
		changed = s.takeSize(v, true)
		s.pinned = true
	case Unpin:
		s.pinned = false
	default:
		return false, fmt.Errorf("fit shell %q: %q: %w", s.id, claim, ErrBadClaim)
	}
	if owner != s.owner || pinned != s.pinned {
		s.presenceChanged()
	}
	return changed, nil
}

// ownerThere reports that the size's owner is attached. The shell is locked.
func (s *Shell) ownerThere() bool { return s.owner != nil && s.owner.follow != nil }

// takeSize makes v the owner of the size, unless somebody who is there has pinned
// it. asked is a claim; without one (it types) nothing is done over again. It
// reports whether the owner or the size is another now. The shell is locked.
func (s *Shell) takeSize(v *viewer, asked bool) bool {
	if s.owner == v && !asked || s.owner != v && s.pinned && s.ownerThere() {
		return false
	}
	changed := s.owner != v
	if changed {
		s.owner, s.pinned = v, false
	}
	return s.resizeTo(v.room) || changed
}
