package live

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The control characters that a text event escapes with, because hardly any program prints them.
const (
	lineEnd = 0x1e // CR LF
	escape  = 0x1f // with a letter: another character
)

// escapes are the letters after escape, by character.
var escapes = [' ']byte{'\n': 'n', '\r': 'r', lineEnd: 'e', escape: 'f'}

// outputEvent is an event with output: its name is output or text.
type outputEvent struct {
	name string
	data []byte
}

// sendOutput sends output, encoded once for all streams that get the same.
func (t *tab) sendOutput(key string, off int64, b []byte) {
	for _, e := range t.hub.outputs.encoded(outputPlace{key, off, len(b), t.Query.Text}, b) {
		t.send(e.name, e.data)
	}
}

// encode makes events of output: text as far as it is UTF-8 and the reader understands that, else base64
// (docs/protocol.md, "Output"). A letter that ends in later output goes as base64, and so does the rest of it.
func (p outputPlace) encode(b []byte) (events []outputEvent) {
	off := p.off
	add := func(part []byte, text bool) {
		if len(part) > 0 {
			events = append(events, newOutput(p.key, off, part, text))
			off += int64(len(part))
		}
	}
	head, text, tail := b, []byte(nil), []byte(nil)
	if p.text {
		head, text, tail = cutText(b)
	}
	add(head, false)
	add(text, true)
	add(tail, false)
	return events
}

// newOutput makes one event: in base64, or as text if that is shorter.
func newOutput(key string, off int64, b []byte, text bool) outputEvent {
	size := base64.StdEncoding.EncodedLen(len(b))
	place := append(make([]byte, 0, len(key)+24+size), key...)
	place = append(strconv.AppendInt(append(place, ' '), off, 10), ' ')
	if text {
		if data := appendText(place, b); len(data) <= len(place)+size {
			return outputEvent{"text", data}
		}
	}
	return outputEvent{"output", base64.StdEncoding.AppendEncode(place, b)}
}

// cutText divides bytes into the rest of a letter, whole letters, and the beginning of a letter. If they are not UTF-8,
// all of them are head.
func cutText(b []byte) (head, text, tail []byte) {
	begin, end := 0, len(b)
	for begin < min(end, utf8.UTFMax-1) && !utf8.RuneStart(b[begin]) {
		begin++
	}
	for i := end - 1; i >= max(begin, end-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				end = i
			}
			break
		}
	}
	if text = b[begin:end]; !utf8.Valid(text) {
		return b, nil, nil
	}
	return b[:begin], text, b[end:]
}

// appendText appends text with its escapes.
func appendText(data, text []byte) []byte {
	for i := 0; i < len(text); {
		data = slices.Grow(data, 16) // a block with an escape for each character
		block, n := data[len(data):len(data)+16], 0
		if len(text)-i >= 8 {
			if b := binary.LittleEndian.Uint64(text[i:]); noControls(b) {
				binary.LittleEndian.PutUint64(block, b)
				data, i = data[:len(data)+8], i+8
				continue
			}
		}
		for end := min(i+8, len(text)); i < end; i++ {
			switch c := text[i]; {
			case c >= ' ' || escapes[c] == 0:
				block[n] = c
			case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
				block[n] = lineEnd
				i++
			default:
				block[n], block[n+1] = escape, escapes[c]
				n++
			}
			n++
		}
		data = data[:len(data)+n]
	}
	return data
}

// noControls reports whether none of eight bytes is a control character below space.
func noControls(b uint64) bool {
	const spaces, tops = 0x2020202020202020, 0x8080808080808080
	return (b-spaces)&^b&tops == 0
}
