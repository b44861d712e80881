package edit

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// buffer is the edited text. The cursor is before the byte at pos, which starts a grapheme cluster (Unicode TR 29) or
// is the end.
type buffer struct {
	text string
	pos  int
}

func (b *buffer) set(text string) { b.text, b.pos = text, len(text) }

func (b *buffer) insert(text string) {
	b.text = b.text[:b.pos] + text + b.text[b.pos:]
	b.pos += len(text)
	b.settle()
}

// settle moves the cursor out of a cluster that an edit has joined.
func (b *buffer) settle() {
	if b.boundary(b.pos) {
		return
	}
	at, state := b.lineStart(), -1
	for rest := b.text[at:]; at < b.pos; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		at += len(cluster)
	}
	b.pos = at
}

// boundary reports a certain cluster boundary: one between plain ASCII.
func (b *buffer) boundary(pos int) bool {
	for i := max(0, pos-2); i < min(len(b.text), pos+1); i++ {
		if c := b.text[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// cut deletes bytes and moves the cursor there.
func (b *buffer) cut(from, to int) string {
	gone := b.text[from:to]
	b.text = b.text[:from] + b.text[to:]
	b.pos = from
	b.settle()
	return gone
}

// next and previous are the adjacent cluster boundaries.
func (b *buffer) next() int {
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(b.text[b.pos:], -1)
	return b.pos + len(cluster)
}

func (b *buffer) previous() int {
	if b.pos > 1 && b.boundary(b.pos) && b.boundary(b.pos-1) {
		return b.pos - 1
	}
	from := strings.LastIndexByte(b.text[:max(0, b.pos-1)], '\n') + 1 // a cluster never spans lines
	at, state := from, -1
	for rest := b.text[from:]; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if at+len(cluster) >= b.pos {
			return at
		}
		at += len(cluster)
	}
	return at
}

// lineStart and lineEnd delimit the current line.
func (b *buffer) lineStart() int { return strings.LastIndexByte(b.text[:b.pos], '\n') + 1 }

func (b *buffer) lineEnd() int {
	if i := strings.IndexByte(b.text[b.pos:], '\n'); i >= 0 {
		return b.pos + i
	}
	return len(b.text)
}

// wordStart is the start of the word before the cursor, wordEnd the end of the next.
func (b *buffer) wordStart() int {
	before := strings.TrimRightFunc(b.text[:b.pos], notInWord)
	return len(strings.TrimRightFunc(before, inWord))
}

func (b *buffer) wordEnd() int {
	behind := strings.TrimLeftFunc(b.text[b.pos:], notInWord)
	return len(b.text) - len(strings.TrimLeftFunc(behind, inWord))
}

// blankStart is the start of the blank-delimited word before the cursor.
func (b *buffer) blankStart() int {
	before := strings.TrimRightFunc(b.text[:b.pos], unicode.IsSpace)
	return len(strings.TrimRightFunc(before, func(r rune) bool { return !unicode.IsSpace(r) }))
}

func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}
func notInWord(r rune) bool { return !inWord(r) }

// up and down move to the adjacent line and keep the column; they return false if there is none.
func (b *buffer) up() bool {
	start := b.lineStart()
	if start == 0 {
		return false
	}
	letters := uniseg.GraphemeClusterCount(b.text[start:b.pos])
	b.pos = start - 1
	b.pos = b.lineStart()
	b.advance(letters)
	return true
}

func (b *buffer) down() bool {
	end := b.lineEnd()
	if end == len(b.text) {
		return false
	}
	letters := uniseg.GraphemeClusterCount(b.text[b.lineStart():b.pos])
	b.pos = end + 1
	b.advance(letters)
	return true
}

// advance moves by n clusters, but not past the line's end.
func (b *buffer) advance(letters int) {
	for end := b.lineEnd(); letters > 0 && b.pos < end; letters-- {
		b.pos = b.next()
	}
}

// transpose swaps the clusters around the cursor.
func (b *buffer) transpose() {
	if b.pos == b.lineEnd() {
		b.pos = b.previous()
	}
	start := b.lineStart()
	if b.pos <= start || b.pos == b.lineEnd() {
		return
	}
	from, at, to := b.previous(), b.pos, b.next()
	if from < start {
		return
	}
	b.text = b.text[:from] + b.text[at:to] + b.text[from:at] + b.text[to:]
	b.pos = to
	b.settle()
}
