// Package pty hosts the shells of one node: programs on pseudo-terminals that
// outlive whoever looks at them, seen and typed in by several viewers at once.
//
// A [Table] holds the node's shells. A [Shell] is a process, its terminal, the
// last bytes that it put out (the scrollback ring) and its viewers. Every byte
// of output has an offset, counted from the shell's first byte; a viewer pulls
// what it has not seen with [Shell.Follow], a cursor of its own over the ring,
// and says with [Shell.Ack] how far it has drawn. There is no queue for each
// viewer: one that stops reading costs nobody anything, and when the ring has
// turned over under it, it is told so and goes on further down.
//
// Input is bytes. [Shell.Input] takes them numbered, so that requests that
// overtake one another or are sent twice are typed once and in order.
//
// # Goroutines
//
// Each running shell has two, both ended before [Table.Remove] or
// [Table.Close] return:
//
//   - read moves bytes from the terminal into the ring, and pauses while the
//     viewers that may type have too much left to draw;
//   - wait waits for the program. It, and not the reader, decides when the
//     shell has ended: a grandchild that keeps the terminal open is no shell.
//
// One that is recorded has a third, the recorder, which [Table.Close] waits for;
// it is a follower that never paces and always acknowledges.
//
// Follow, Input and all the rest run in their callers' goroutines. Everything
// here may be called from several goroutines at once.
package pty
