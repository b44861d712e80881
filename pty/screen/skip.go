package screen

import (
	"bytes"
	"encoding/binary"
)

// isPlain is true for bytes of plain text: printable ASCII, bytes of UTF-8 except 0xc2, which also starts C1 controls,
// and tab, LF, and CR.
var isPlain = func() (t [256]bool) {
	for b := range t {
		t[b] = b >= 0x20 && b < 0x7f || b >= 0x80 && b != 0xc2 || b == '\t' || b == '\n' || b == '\r'
	}
	return t
}()

// Plain reports whether p is plain text, without controls that could change anything but the text on the screen. It
// contains no queries.
func Plain(p []byte) bool {
	for ; len(p) >= 8; p = p[8:] {
		w := binary.LittleEndian.Uint64(p)
		if found := controls(w); w&high == 0 &&
			(found == 0 || found&^(equal(w, '\n')|equal(w, '\r')|equal(w, '\t')) == 0) {
			continue
		}
		for _, b := range p[:8] {
			if !isPlain[b] {
				return false
			}
		}
	}
	for _, b := range p {
		if !isPlain[b] {
			return false
		}
	}
	return true
}

// high is the highest bit of each of eight bytes. For a word of eight ASCII bytes, controls and equal set it for some.
const high = 0x8080808080808080

// controls marks C0 controls and DEL.
func controls(w uint64) uint64 { return (^(w + high/0x80*0x60) | (w + high/0x80)) & high }

// equal marks the bytes equal to c.
func equal(w, c uint64) uint64 { return ^((w ^ high/0x80*c) + high/0x80*0x7f) & high }

// Settled reports whether the screen is outside a sequence or character.
func (s *Screen) Settled() bool { return s.p.state == ground && s.p.need == 0 }

// CheapText reports whether any plain text is cheap to draw now: it moves no rows between margins, and no characters
// after it.
func (s *Screen) CheapText() bool {
	return !s.modes.Insert && s.buf.top == 0 && s.buf.bottom == s.rows-1
}

// skipBytes is the chunk size in which skippable counts lines.
const skipBytes = 4 << 10

// Memory returns a number of line feeds in plain text after which nothing is left of what came before them, neither
// on the screen nor in the history: those to the last row, and those that push everything out. It is 0 if that cannot
// be told: on the alternate screen, and with margins.
func (s *Screen) Memory() int {
	b := &s.normal
	if s.buf != b || b.top != 0 || b.bottom != s.rows-1 {
		return 0
	}
	return b.max + s.rows + 1
}

// skippable returns how many bytes of p have no effect because what follows them fills the screen and the whole
// history: only the end of a long plain text is worth drawing. It is 0 unless p is long and plain and only produces
// lines of text.
func (s *Screen) skippable(p []byte) int {
	wanted := s.Memory()
	if wanted == 0 || len(p) <= wanted || !s.Settled() || !Plain(p) {
		return 0
	}
	end := len(p)
	for end > skipBytes { // while those in a chunk are not enough
		n := bytes.Count(p[end-skipBytes:end], []byte{'\n'})
		if n >= wanted {
			break
		}
		wanted, end = wanted-n, end-skipBytes
	}
	for i := bytes.LastIndexByte(p[:end], '\n'); i > 0; i = bytes.LastIndexByte(p[:i], '\n') {
		if wanted--; wanted <= 0 && p[i-1] == '\r' { // the next line starts in the first column
			return i + 1
		}
	}
	return 0
}
