package pty

import (
	"errors"
	"fmt"
)

var (
	// ErrFull reports that the table's limit of running shells is reached.
	ErrFull = errors.New("too many shells")
	// ErrClosed reports that the table is closed or closing.
	ErrClosed = errors.New("no new shells: closing")
	// ErrNotFound reports that the table has no shell with that id.
	ErrNotFound = errors.New("no such shell")
	// ErrEnded reports that the shell's program has ended.
	ErrEnded = errors.New("shell has ended")
	// ErrKind reports that the table has no program of that kind.
	ErrKind = errors.New("no such kind of shell here")
	// ErrRecorded reports that the shell is already being recorded.
	ErrRecorded = errors.New("the shell is already being recorded")
	// ErrNotRecorded reports that the shell is not being recorded.
	ErrNotRecorded = errors.New("the shell is not being recorded")
	// ErrPolicy reports that all shells of the table must be recorded.
	ErrPolicy = errors.New("every shell of this node is recorded")
	// ErrBadSize reports a size that a terminal cannot have.
	ErrBadSize = errors.New("rows and columns must be 1 to 1000")
	// ErrViewOnly reports that the viewer can neither type nor set the size.
	ErrViewOnly = errors.New("this viewer is view-only")
	// ErrPinned reports that a viewer has pinned the size.
	ErrPinned = errors.New("a viewer has pinned the size")
	// ErrBadClaim reports an unknown Claim.
	ErrBadClaim = errors.New("claim must be offer, take, pin or unpin")
	// ErrLeft reports that the shell is left to the node's next process, which continues it.
	ErrLeft = errors.New("the node is restarting: try again")
	// ErrNotWaiting reports that a shell does not wait, or no longer as it did.
	ErrNotWaiting = errors.New("the shell no longer waits for that")
	// ErrNoAnswer reports a key that is no answer.
	ErrNoAnswer = errors.New("key must be y, n, enter or ctrl-c")
	// ErrBadOffset reports an offset beyond the output.
	ErrBadOffset = errors.New("offset is beyond the output")
)

// GapError reports numbered input without its predecessor.
type GapError struct {
	Expected int64 // the number that the shell waits for
}

func (e *GapError) Error() string {
	return fmt.Sprintf("input has a gap: number %d is missing", e.Expected)
}
