package pty

import (
	"fmt"
	"time"
)

// Claim is a viewer's request about the size.
type Claim string

const (
	// Offer reports the viewer's space: the shell takes that size when the viewer owns the size, or types later.
	Offer Claim = "offer"
	// Take also requests the size, unless another attached viewer owns it.
	Take Claim = "take"
	// Pin takes the size and keeps it, whoever types.
	Pin Claim = "pin"
	// Unpin releases the size to the next viewer that types.
	Unpin Claim = "unpin"
)

// Fit reports the rows and columns of the viewer's window, and a claim. The size has one owner: the viewer that typed
// last, or that pinned it, while it is attached. Attaching changes nothing. Viewers see the result as Resize at its
// offset in the output, and as Present.
//
// The error is ErrBadSize, ErrBadClaim, or ErrViewOnly. It has no effect on a shell that has ended.
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
	if !v.canType {
		return false, fmt.Errorf("fit shell %q: %w", s.id, ErrViewOnly)
	}
	v.room = room
	v.slot.SetRoom(room.Rows, room.Cols)
	owner, pinned := s.owner, s.pinned
	switch claim {
	case Offer:
		changed = s.owner == v && s.resizeTo(room) || s.giveSize()
	case Take:
		changed = (s.owner == v || !s.ownerAttached()) && s.takeSize(v, true)
	case Pin:
		s.pinned = false
		changed = s.takeSize(v, true)
		s.setOwner(v, true)
	case Unpin:
		s.setOwner(s.owner, false)
	default:
		return false, fmt.Errorf("fit shell %q: %q: %w", s.id, claim, ErrBadClaim)
	}
	if owner != s.owner || pinned != s.pinned {
		s.presenceChanged()
	}
	return changed, nil
}

// giveSize gives the size to the only attached viewer that can type, if its owner is not attached, and reports whether
// owner or size changed. So a shell that was last used on a phone fits the window of the next viewer. It requires
// s.mu.
func (s *Shell) giveSize() bool {
	var only *viewer
	for _, f := range s.followers {
		if f.viewer.canType && only != nil {
			return false
		}
		if f.viewer.canType {
			only = f.viewer
		}
	}
	return only != nil && only.room.valid() && !s.ownerAttached() && s.takeSize(only, true)
}

// setOwner sets the owner of the size; nil is none. It requires s.mu.
func (s *Shell) setOwner(owner *viewer, pinned bool) {
	s.owner, s.pinned = owner, pinned
	if owner == nil {
		s.journal.SetOwner(nil, pinned)
	} else {
		s.journal.SetOwner(owner.slot, pinned)
	}
}

// ownerAttached reports whether the owner of the size is attached, or on its way back. It requires s.mu.
func (s *Shell) ownerAttached() bool {
	return s.owner != nil && (s.owner.follow != nil || time.Now().Before(s.awaitOwner))
}

// takeSize makes v the owner of the size, unless an attached viewer has pinned it. asked is false if v merely types:
// then its own size is not applied again. It reports whether owner or size changed. It requires s.mu.
func (s *Shell) takeSize(v *viewer, asked bool) bool {
	if s.owner == v && !asked || s.owner != v && s.pinned && s.ownerAttached() {
		return false
	}
	changed := s.owner != v
	if changed {
		s.setOwner(v, false)
	}
	return s.resizeTo(v.room) || changed
}
