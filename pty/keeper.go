package pty

import (
	"context"
	"os"
	"syscall"
)

// Keeper keeps what shells need to outlive this process. Its methods are called without locks, and concurrently.
type Keeper interface {
	// Keep stores a shell, or replaces what was stored under its id. What it has taken survives this process even if
	// that is killed right after. It duplicates the descriptors: the caller keeps its own.
	Keep(k Kept) error
	// Drop forgets a shell. An unknown id is ignored.
	Drop(id string)
	// Wait returns how a program ended that an earlier process started, once it has ended, or ctx's error.
	Wait(ctx context.Context, pid int) (syscall.WaitStatus, error)
}

// Kept is a shell as a Keeper stores it.
type Kept struct {
	ID    string
	Pid   int        // of the program
	Data  []byte     // opaque, at most 16 KiB
	Files []*os.File // opaque: up to four descriptors
}

// Adopt continues the shells that an earlier process left with the Keeper, in their order. Call it before anything else
// uses the table. The table owns the files from then on. A shell that cannot be continued is hung up, dropped, and
// logged.
func (t *Table) Adopt(kept []Kept) {}

// Leave is the opposite of Close: it leaves the running shells to the next process, which adopts them. It stops
// reading, flushes recordings, and returns when all goroutines have ended; meanwhile programs at most wait for their
// terminals. Nothing may be opened or typed afterwards. Without a Keeper it closes nothing, and the shells are lost.
func (t *Table) Leave() {}
