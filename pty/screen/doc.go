// Package screen is a terminal without a display: it takes what a program writes
// to its terminal and knows what a person would see.
//
// The measure is xterm.js 6 with the widths of Unicode 11, which draws the same
// bytes in the browser: every cell, attribute, mode and answer is the same, quirks
// included. The golden files in testdata are made by xterm.js itself
// (internal/tools/golden); the tests compare with them.
//
//	s := screen.New(24, 80, 10_000)
//	s.Replies = func(b []byte) { … }  // to the program, as if typed
//	s.Write(output)                   // any bytes, cut anywhere
//	page := s.Text()
//	w.Write(s.Snapshot(1000))         // a fresh terminal becomes this one
//
// # Standards
//
//   - ECMA-48 and ECMA-35 (ISO 6429, ISO 2022): controls, sequences, sets
//   - DEC VT100 to VT510 (EK-VT510-RM) and xterm's ctlseqs: private modes, margins,
//     erasing with the background colour, selective erase, DECRQM, DECRQSS
//   - ISO 8613-6: colours with colons; Kitty's and VTE's underline styles
//   - UTF-8 (RFC 3629); UAX #11 widths of Unicode 11; UAX #15 for the bound on marks
//   - OSC 0, 2 title; 4, 10, 11, 12, 104, 110-112 colours; 7 directory; 8 hyperlinks;
//     133 prompts; mode 2026 synchronized output
//
// # Where it differs from xterm.js
//
//   - Text of an OSC or DCS: 64 KiB, not 10 MB. URI of a hyperlink: 2,083 bytes.
//     Marks on one character: 30. REP: one screenful. What exceeds a bound is
//     dropped.
//   - xterm.js loses some characters that a chunk of output cuts in two (U+2014 is
//     one), and ends a run of text there; here cuts make no difference.
//   - The history takes at most 8 MiB; the oldest rows go before it takes more. A
//     wrapped line of the history that is longer than 131,072 columns is cut there
//     when the width changes.
//   - Some changes of the size leave xterm.js with rows that are missing or there
//     twice, and ED 1 in the last column of the last row stops it. Here the rows
//     are put right, and it goes on.
//
// # Cost
//
// A cell is 16 bytes and a blank screen of 24 by 80 some 30 KB. Rows of history come
// as they are needed, packed: a row of plain text takes a byte a character and 4, and
// 10,000 of 80 columns under 1 MB. Plain text that scrolls by within one Write goes
// there without being drawn, at about 1 GB/s; what is drawn, at 100 to 250 MB/s.
package screen
