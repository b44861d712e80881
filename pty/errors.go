package pty

import (
	"errors"
	"fmt"
)

var (
	// ErrFull says that as many shells run as the table may hold.
	ErrFull = errors.New("too many shells")
	// ErrClosed says that the table is closed or closing.
	ErrClosed = errors.New("no new shells: closing")
	// ErrNotFound says that the table has no shell of that id.
	ErrNotFound = errors.New("no such shell")
	// ErrEnded says that the shell's program has ended and reads nothing more.
	ErrEnded = errors.New("shell has ended")
	// ErrKind says that the table has no program of that kind.
	ErrKind = errors.New("no such kind of shell here")
	// ErrRecorded says that the shell is being recorded already.
	ErrRecorded = errors.New("the shell is being recorded already")
	// ErrNotRecorded says that the shell is not being recorded.
	ErrNotRecorded = errors.New("the shell is not being recorded")
	// ErrPolicy says that every shell of the table has to be recorded.
	ErrPolicy = errors.New("every shell of this node is recorded")
	// ErrBadSize says that a terminal cannot have that size.
	ErrBadSize = errors.New("rows and columns must be 1 to 1000")
	// ErrWatching says that the viewer may not type, nor settle the size.
	ErrWatching = errors.New("this viewer is view-only")
	// ErrPinned says that somebody keeps the size as it is.
	ErrPinned = errors.New("a viewer has pinned the size")
	// ErrBadClaim says that a viewer claims something else than Claim knows.
	ErrBadClaim = errors.New("claim must be offer, take, pin or unpin")
	// ErrBadOffset says that an offset lies beyond what was put out.
	ErrBadOffset = errors.New("offset lies beyond the output")
)

// GapError says that numbered input came without its predecessor.
type GapError struct {
	Expected int64 // the number that the shell waits for
}

func (e *GapError) Error() string {
	return fmt.Sprintf("input has a gap: number %d is missing", e.Expected)
}
