// Package journal keeps in shared memory what a new process needs to continue a shell: its latest output, the sizes of
// its terminal, checkpoints of its screen, and how far its input was written. It knows bytes and numbers, and nothing
// of processes and screens. Linux only: elsewhere [Create] and [Open] fail with errors.ErrUnsupported.
//
// # Layout
//
// A journal is a memfd (memfd_create(2)) that can neither shrink nor grow. All numbers are words of 8 bytes in the
// machine's order, stored atomically. Each part begins at a multiple of 4 KiB:
//
//	     0  header: one word each
//	          0  magic
//	          8  version of this layout
//	         16  size of the ring
//	         24  end: offset after the last published byte
//	         32  replied: queries before it were answered
//	         40  number of marks ever made
//	         48  owner of the size: slot + 1, and bit 32 if the size is pinned
//	         56  last activity, in ns since 1970
//	         64  which of the two recordings counts: 0 or 1
//	         72  two recordings of 4 words: size of the file, offset, ms, id's checksum
//	  4096  1024 marks of 2 words: offset; rows in the upper and columns in the lower half
//	 20480  1024 slots of 256 bytes, one for each viewer:
//	          0  bit 0: in use, bit 1: can type, bit 2: hidden; from bit 32: number of the viewer
//	          8  size of its window, as in a mark
//	         16  next: the number of its next input
//	         24  part: bytes of that input that are written
//	         32  doubt: 1 + the number of the input that is being written
//	         40  length of the id
//	         48  the id, up to 208 bytes
//	282624  ring: the byte at offset n is at n modulo the ring's size
//	        5 checkpoints of 8 MiB, not mapped: a header of 5 words (offset, size as in a mark, number of marks,
//	        length, CRC-32C of all that), then the bytes
//
// Memory is allocated when it is first written: a new journal takes about 60 KiB.
//
// # Order
//
// A process can be killed between any two stores, so their order decides what its successor finds.
//
//   - Output is read into the ring before its end is published. The [ReadBytes]
//     after the end are 0xFF, a byte that UTF-8 never has. So [Open] finds output
//     that was read but not published: everything up to the last byte that differs.
//     Only binary output that ends with 0xFF at that moment loses these bytes.
//   - An input is in doubt during each write(2). [Open] counts an input in doubt as
//     written: it is never typed twice.
//   - A mark or a slot is complete before its number or its first word is stored.
//   - A checkpoint counts only with the right checksum. A new one replaces the
//     oldest of its kind.
package journal
