package screen

import (
	"math"
	"unicode/utf8"
)

// stringBytes limits the text of an OSC or DCS. A longer one is ignored.
const stringBytes = 64 << 10

// parser is the state between characters, and within one.
type parser struct {
	state   uint8
	collect uint32 // prefix and intermediates, last in the low byte
	params  params

	code uint32 // of an incomplete UTF-8 character
	min  uint32 // lowest code point that needs this length
	need int    // missing bytes
	raw  []byte // received bytes

	text    []byte // of an OSC or DCS
	tooLong bool   // it was too long
	oscID   int    // -1: no digit yet
	oscPart uint8
	dcsID   uint32
	dcsRun  bool // a character of the DCS has been received
}

// The parts of an OSC: none, its number, its text, or no number at all.
const (
	oscNone = iota
	oscNumber
	oscText
	oscBad
)

// Write processes output of the program. It accepts everything and never fails. Splitting a stream makes no difference.
func (s *Screen) Write(p []byte) (int, error) {
	return s.WriteSome(p, math.MaxInt-s.work), nil
}

// WriteSome is Write that stops once Work has grown by limit or more, and returns how many bytes it has processed. One
// sequence costs at most a few times the cells of the screen.
func (s *Screen) WriteSome(p []byte, limit int) int {
	n := len(p)
	limit += s.work
	if gone := s.skippable(p); gone > 0 {
		p = p[gone:]
		s.step('\r') // what follows is at the beginning of a line
	}
	short := len(p) // remaining bytes at which to retry the fast path
	for len(p) > 0 && s.work < limit {
		b := p[0]
		if s.buf.col == 0 && b != '\n' && len(p) >= fastMinBytes && len(p) <= short && s.Settled() {
			n, wait := s.fastLines(p)
			short = len(p) - wait
			if p = p[n:]; n > 0 {
				continue
			}
		}
		switch {
		case s.p.need > 0:
			if b&0xc0 != 0x80 { // the incomplete character is dropped
				s.p.need = 0
				continue
			}
			p = p[1:]
			s.continuation(b)
		case b < utf8.RuneSelf:
			if s.p.state == ground && b >= 0x20 && b < 0x7f {
				p = p[s.printASCII(p):]
				continue
			}
			if b == 0x1b && s.p.state == ground {
				if n := s.sequence(p); n > 0 {
					p = p[n:]
					continue
				}
			}
			p = p[1:]
			s.step(uint32(b))
		default:
			if s.p.state == ground {
				if r, size := utf8.DecodeRune(p); size > 1 && r >= beyondC1 && r != bom {
					p = p[size:]
					s.print(uint32(r))
					continue
				}
			}
			p = p[1:]
			s.lead(b)
		}
	}
	return n - len(p)
}

// bom is dropped everywhere.
const bom = 0xfeff

// lead starts a UTF-8 character (RFC 3629); invalid bytes are dropped.
func (s *Screen) lead(b byte) {
	switch {
	case b&0xe0 == 0xc0:
		s.p.code, s.p.need, s.p.min = uint32(b&0x1f), 1, 0x80
	case b&0xf0 == 0xe0:
		s.p.code, s.p.need, s.p.min = uint32(b&0x0f), 2, 0x800
	case b&0xf8 == 0xf0:
		s.p.code, s.p.need, s.p.min = uint32(b&0x07), 3, 0x10000
	default:
		return
	}
	s.p.raw = append(s.p.raw[:0], b)
}

// continuation adds a byte to the current character.
func (s *Screen) continuation(b byte) {
	s.p.code = s.p.code<<6 | uint32(b&0x3f)
	s.p.raw = append(s.p.raw, b)
	if s.p.need--; s.p.need > 0 {
		return
	}
	c := s.p.code
	if c >= s.p.min && c <= utf8.MaxRune && c != bom && (c < 0xd800 || c > 0xdfff) {
		s.step(c)
	}
}

// step takes one character through the table.
func (s *Screen) step(c uint32) {
	t := transitions[s.p.state][min(c, beyondC1)]
	next := t & 15
	if t>>4 == doPrint {
		s.print(c)
		s.p.state = next
		return
	}
	s.inRun = false
	switch t >> 4 {
	case doExecute:
		s.execute(c)
		s.joined = 0
	case doCSI:
		s.csi(s.p.collect<<8 | c)
		s.joined = 0
	case doParam:
		s.p.params.add(byte(c))
	case doCollect:
		s.p.collect = s.p.collect<<8 | c
	case doESC:
		s.esc(s.p.collect<<8 | c)
		s.joined = 0
	case doClear:
		s.clearSequence()
	case doOSCStart:
		s.p.text, s.p.tooLong = s.p.text[:0], false
		s.p.oscID, s.p.oscPart = -1, oscNumber
	case doOSCPut:
		s.putOSC(c)
	case doHook:
		s.p.text, s.p.tooLong = s.p.text[:0], false
		s.p.dcsID, s.p.dcsRun = s.p.collect<<8|c, false
	case doPut:
		s.p.dcsRun = true
		s.put(c)
	case doIgnore:
		if c == 0x7f && s.p.state == dcsPassthrough && s.p.dcsRun {
			s.put(c) // xterm.js: DEL is dropped only as the first character
		}
	case doOSCEnd, doUnhook:
		next = s.endString(t>>4, c)
	}
	s.p.state = next
}

// sequence handles a control sequence at the start of p and returns its length, or 0 if it is not complete and of the
// common form. It is a shortcut around the table.
func (s *Screen) sequence(p []byte) int {
	if len(p) < 3 || p[1] != '[' {
		return 0
	}
	start, prefix := 2, uint32(0)
	if c := p[2]; c >= '<' && c <= '?' {
		start, prefix = 3, uint32(c)
	}
	i := start
	for i < len(p) && p[i]-'0' <= ';'-'0' {
		i++
	}
	if i == len(p) || p[i] < 0x40 || p[i] > 0x7e {
		return 0
	}
	s.p.params.reset()
	for _, c := range p[start:i] {
		s.p.params.add(c)
	}
	s.p.collect = prefix
	s.inRun = false
	s.csi(prefix<<8 | uint32(p[i]))
	s.joined = 0
	return i + 1
}

func (s *Screen) clearSequence() {
	s.p.params.reset()
	s.p.collect = 0
}

// endString handles an OSC or DCS ended by c, and returns the next state.
func (s *Screen) endString(action uint8, c uint32) uint8 {
	const can, sub, esc = 0x18, 0x1a, 0x1b
	if done := c != can && c != sub; action == doOSCEnd {
		s.endOSC(done)
	} else if done && !s.p.tooLong {
		s.dcs(s.p.dcsID, string(s.p.text))
	}
	if cap(s.p.text) > 4<<10 {
		s.p.text = nil
	}
	s.clearSequence()
	s.joined = 0
	if c == esc {
		return escape
	}
	return ground
}

// put adds a character to the text of an OSC or DCS.
func (s *Screen) put(c uint32) {
	if s.p.tooLong {
		return
	}
	s.p.text = utf8.AppendRune(s.p.text, rune(c))
	if len(s.p.text) > stringBytes {
		s.p.text, s.p.tooLong = nil, true
	}
}

// putOSC handles a character of an OSC: digits up to the first ';', then its text.
func (s *Screen) putOSC(c uint32) {
	switch s.p.oscPart {
	case oscText:
		s.put(c)
	case oscNumber:
		switch {
		case c == ';':
			s.p.oscPart = oscText
		case c < '0' || c > '9':
			s.p.oscPart = oscBad
		default:
			s.p.oscID = min(max(s.p.oscID, 0)*10+int(c-'0'), maxParam)
		}
	}
}

// endOSC handles the OSC unless it was cancelled.
func (s *Screen) endOSC(done bool) {
	if part := s.p.oscPart; done && !s.p.tooLong && (part == oscNumber || part == oscText) {
		s.osc(s.p.oscID, string(s.p.text))
	}
	s.p.oscPart = oscNone
}
