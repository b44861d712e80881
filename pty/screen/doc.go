// Package screen is a terminal without a display: it processes the output of a program and models what a user would
// see.
//
// The reference is xterm.js 6 with Unicode 11 widths, which draws the same bytes in the browser. Every cell, attribute,
// mode, and reply is the same, including quirks. xterm.js generated the golden files in testdata
// (internal/tools/golden), with which the tests compare.
//
//	s := screen.New(24, 80, 10_000)
//	s.Replies = func(b []byte) { … }  // input for the program
//	s.Write(output)                   // any bytes, split anywhere
//	page := s.Text()
//	w.Write(s.SnapshotWithin(1000, 1<<20)) // turns a new terminal into this one
//
// # Standards
//
//   - ECMA-48 and ECMA-35 (ISO 6429, ISO 2022): controls, sequences, character sets
//   - DEC VT100 to VT510 (EK-VT510-RM) and xterm's ctlseqs: private modes, margins,
//     background colour erase, selective erase, DECRQM, DECRQSS
//   - ISO 8613-6: colours with colons; Kitty's and VTE's underline styles
//   - UTF-8 (RFC 3629); UAX #11 widths of Unicode 11; UAX #15 limits combining marks
//   - OSC 0, 2 title; 4, 10, 11, 12, 104, 110-112 colours; 7 directory; 8 hyperlinks;
//     133 prompts; mode 2026 synchronized output
//
// # Differences from xterm.js
//
//   - Text of an OSC or DCS: 64 KiB, not 10 MB. URI of a hyperlink: 2,083 bytes.
//     Combining marks per character: 30. REP: one screenful. The excess is dropped.
//   - xterm.js loses some characters that chunks split (such as U+2014), and ends a
//     run of text there; here splitting makes no difference.
//   - The history takes at most 8 MiB; beyond that the oldest rows are dropped. A
//     wrapped history line longer than 131,072 columns is split when the width
//     changes.
//   - Some resizes leave xterm.js with missing or repeated rows, and ED 1 in the
//     last column of the last row stops it. Here the rows are corrected, and
//     processing continues.
//
// # Cost
//
// A cell is 16 bytes, a blank screen of 24 by 80 about 30 KB. History rows are allocated on demand and packed: a row of
// plain text takes a byte per character plus 4, and 10,000 rows of 80 columns less than 1 MB. Plain text that scrolls
// past within one Write is stored without being drawn, at about 1 GB/s; drawing runs at 100 to 250 MB/s.
package screen
