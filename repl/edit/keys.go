package edit

import (
	"bytes"
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSequence limits an escape sequence, maxString one that contains a string, in bytes.
	maxSequence = 64
	maxString   = 64 << 10
	// maxPaste limits a paste, in bytes; the rest is dropped.
	maxPaste = 1 << 20
)

// key is a key, or a paste.
type key struct {
	name string // such as C-a, M-f, left, C-left, enter, paste; "" for text
	text string
}

// decoder decodes keys (ECMA-48; xterm's sequences for keys and bracketed paste). Chunks may end anywhere.
type decoder struct {
	rest    []byte // an incomplete key
	pasting bool
	paste   []byte
}

var pasteEnd = []byte("\x1b[201~")

// decode returns the keys completed by b.
func (d *decoder) decode(b []byte) (keys []key) {
	d.rest = append(d.rest, b...)
	for len(d.rest) > 0 {
		if d.pasting {
			if !d.takePaste(&keys) {
				return keys
			}
			continue
		}
		k, n := nextKey(d.rest)
		if n == 0 {
			return keys
		}
		d.rest = d.rest[n:]
		if k.name == "paste" {
			d.pasting = true
		} else if k.name != "unknown" {
			keys = append(keys, k)
		}
	}
	d.rest = nil
	return keys
}

// takePaste consumes paste data; it returns false if the end is missing.
func (d *decoder) takePaste(keys *[]key) bool {
	end := bytes.Index(d.rest, pasteEnd)
	part, rest := d.rest, []byte(nil)
	if end >= 0 {
		part, rest = d.rest[:end], d.rest[end+len(pasteEnd):]
	} else if keep := partialEnd(d.rest); keep > 0 {
		part, rest = d.rest[:len(d.rest)-keep], d.rest[len(d.rest)-keep:]
	}
	d.paste = append(d.paste, part[:min(len(part), maxPaste-len(d.paste))]...)
	d.rest = rest
	if end < 0 {
		return false
	}
	*keys = append(*keys, key{name: "paste", text: pasted(d.paste)})
	d.pasting, d.paste = false, nil
	return true
}

// partialEnd is the length of the longest suffix of b that begins the end of a paste.
func partialEnd(b []byte) int {
	for n := min(len(b), len(pasteEnd)-1); n > 0; n-- {
		if bytes.HasPrefix(pasteEnd, b[len(b)-n:]) {
			return n
		}
	}
	return 0
}

// pasted converts a paste to text: lines end in newlines, other control characters are removed.
func pasted(b []byte) string {
	text := strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, text)
}

// waits reports whether a key is incomplete.
func (d *decoder) waits() bool { return len(d.rest) > 0 && !d.pasting }

// flush ends an incomplete key: since nothing follows, an escape is the Escape key.
func (d *decoder) flush() (keys []key) {
	rest := d.rest
	d.rest = nil
	if len(rest) == 0 {
		return nil
	}
	if rest[0] == 0x1b {
		keys = append(keys, key{name: "escape"})
		rest = nil // an incomplete sequence is not text
	}
	if len(rest) > 0 {
		keys = append(keys, key{text: "\uFFFD"})
	}
	return keys
}

// nextKey decodes the key at the start of b and returns its length, 0 if it is incomplete.
func nextKey(b []byte) (key, int) {
	switch c := b[0]; {
	case c == 0x1b:
		return escaped(b)
	case c < ' ' || c == 0x7f:
		return key{name: cmp.Or(controls[c], "C-"+strings.ToLower(string(rune('@'+c))))}, 1
	case !utf8.FullRune(b):
		return key{}, 0
	}
	r, n := utf8.DecodeRune(b)
	if unicode.IsControl(r) { // C1
		return key{name: "unknown"}, n
	}
	return key{text: string(r)}, n
}

// controls are the names of the control characters' keys that differ from C- and a letter.
var controls = map[byte]string{
	'\r': "enter", '\n': "enter", '\t': "tab", 0x7f: "backspace", 0x08: "backspace", 0: "C-space",
}

// escaped decodes a sequence that begins with an escape.
func escaped(b []byte) (key, int) {
	if len(b) == 1 {
		return key{}, 0
	}
	switch b[1] {
	case '[':
		return sequence(b)
	case 'O':
		if len(b) == 2 {
			return key{}, 0
		}
		return named(string(b[2]), ""), 3
	case ']', 'P', 'X', '^', '_':
		return controlString(b)
	case 0x1b:
		return key{name: "escape"}, 1
	}
	k, n := nextKey(b[1:])
	if n == 0 {
		return key{}, 0
	}
	if k.name == "" {
		k.name = k.text
	}
	return key{name: "M-" + k.name}, n + 1
}

// controlString skips a terminal's reply in a string (OSC, DCS, SOS, PM, APC), up to ESC \, BEL, or what interrupts it.
func controlString(b []byte) (key, int) {
	for i := 2; i < len(b); i++ {
		switch c := b[i]; {
		case c == 0x1b && i+1 == len(b):
			return key{}, 0
		case c == 0x1b && b[i+1] == '\\':
			return key{name: "unknown"}, i + 2
		case c == 0x07:
			return key{name: "unknown"}, i + 1
		case c == 0x1b, c == 0x03, c == '\r', i >= maxString:
			return key{name: "unknown"}, i
		}
	}
	return key{}, 0
}

// sequence decodes a control sequence: ESC [, parameters, final byte.
func sequence(b []byte) (key, int) {
	// X10 mouse reports have three more bytes, F1 to F5 of the Linux console one
	if kind := string(b[2:min(3, len(b))]); kind == "M" || kind == "[" {
		length := map[string]int{"M": 6, "[": 4}[kind]
		if len(b) < length {
			return key{}, 0
		}
		return key{name: "unknown"}, length
	}
	for i := 2; i < len(b); i++ {
		switch c := b[i]; {
		case c >= 0x40 && c <= 0x7e:
			return control(string(b[2:i]), c), i + 1
		case c < 0x20 || c > 0x3f || i >= maxSequence:
			return key{name: "unknown"}, i // a byte that interrupts a sequence is a separate key
		}
	}
	return key{}, 0
}

// control names the key of a control sequence.
func control(parameters string, last byte) key {
	first, second, _ := strings.Cut(parameters, ";")
	if last == '~' {
		if first == "200" {
			return key{name: "paste"}
		}
		return named(first, second)
	}
	if first != "" && first != "1" {
		return key{name: "unknown"}
	}
	return named(string(last), second)
}

// keyNames are the names of keys, by the final byte or the number of their sequences.
var keyNames = map[string]string{
	"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end", "M": "enter", "Z": "backtab",
	"1": "home", "2": "insert", "3": "delete", "4": "end", "7": "home", "8": "end", "5": "pageup", "6": "pagedown",
}

// modifiers are the prefixes of key names, by xterm's number: 1 + shift + 2 alt + 4 control.
var modifiers = map[string]string{
	"": "", "1": "", "2": "", "3": "M-", "4": "M-", "5": "C-", "6": "C-", "7": "C-", "8": "C-", "9": "M-",
}

func named(code, modifier string) key {
	name, ok := keyNames[code]
	prefix, known := modifiers[modifier]
	if !ok || !known {
		return key{name: "unknown"}
	}
	return key{name: prefix + name}
}
