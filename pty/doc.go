// Package pty hosts the shells of one node: programs on pseudo-terminals that outlive their viewers. Several viewers
// can watch and type at once.
//
// A [Table] holds the node's shells. A [Shell] is a process, its terminal, its latest output (the ring), and its
// viewers. Every byte of output has an offset, counted from the shell's first byte. A viewer pulls output with
// [Shell.Follow], its own cursor over the ring, and reports with [Shell.Ack] how far it has drawn. There is no queue
// per viewer: one that stops reading costs nothing, and after the ring has overwritten its position, it gets a reset
// and continues from there.
//
// Input is bytes. [Shell.Input] numbers them, so that requests that overtake each other or are repeated are written
// once and in order.
//
// # Restarts
//
// On Linux, with [Config].Keeper, shells outlive this process. Each has a journal ([convoy/pty/journal]), shared memory
// that the Keeper holds together with the terminal. The next process continues the shells with [Table.Adopt]: the same
// programs, offsets, screens, and input numbers. A process that ends on purpose calls [Table.Leave] before; one that is
// killed needs not. An input that was being written when the process was killed counts as written: it is never typed
// twice.
//
// # Goroutines
//
// Each running shell has two, which end before [Table.Remove], [Table.Close], or [Table.Leave] returns:
//
//   - read moves output from the terminal into the ring, and pauses while the
//     viewers that can type have too much left to draw;
//   - wait waits for the program, its child or the Keeper's. It decides when the shell has ended, not the
//     reader: a grandchild that keeps the terminal open is not the shell.
//
// A recorded shell has a third, the recorder, which [Table.Close] waits for. It is a follower that acknowledges
// everything and never slows the reader.
//
// Everything else runs in its caller's goroutine. All methods are safe for concurrent use.
package pty
