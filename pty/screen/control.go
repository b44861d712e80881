package screen

// execute handles a C0 or C1 control (ECMA-48 8.3).
func (s *Screen) execute(c uint32) {
	b := s.buf
	switch c {
	case 0x07: // BEL
		s.bell()
	case 0x08: // BS
		s.backspace()
	case 0x09: // HT
		s.tabs(1, b.nextTab)
	case 0x0a, 0x0b, 0x0c: // LF, VT, FF
		s.lineFeed()
	case 0x0d: // CR
		b.col = 0
	case 0x0e: // SO
		s.invoke(1)
	case 0x0f: // SI
		s.invoke(0)
	case 0x84: // IND
		s.index()
	case 0x85: // NEL
		b.col = 0
		s.index()
	case 0x88: // HTS
		b.setTab(b.col)
	}
}

// esc handles an escape sequence, ESC I… F; id is its bytes.
func (s *Screen) esc(id uint32) {
	b := s.buf
	switch id {
	case '7': // DECSC
		s.saveCursor()
	case '8': // DECRC
		s.restoreCursor()
	case 'D': // IND
		s.index()
	case 'E': // NEL
		b.col = 0
		s.index()
	case 'H': // HTS
		b.setTab(b.col)
	case 'M': // RI
		s.reverseIndex()
	case '=': // DECKPAM
		s.modes.AppKeypad = true
	case '>': // DECKPNM
		s.modes.AppKeypad = false
	case 'c': // RIS
		s.reset()
	case 'n', '}': // LS2, LS2R
		s.invoke(2)
	case 'o', '|': // LS3, LS3R
		s.invoke(3)
	case '~': // LS1R
		s.invoke(1)
	case '%'<<8 | '@', '%'<<8 | 'G':
		s.invoke(0)
		s.designate(0, nil)
	case '#'<<8 | '8': // DECALN
		s.alignmentPattern()
	default:
		if id > 0xff && id <= 0xffff {
			s.escCharset(byte(id>>8), byte(id))
		}
	}
}

// csi handles a control sequence; id is its prefix, intermediates, and final byte.
func (s *Screen) csi(id uint32) {
	p := &s.p.params
	n := p.or1(0)
	switch id {
	case '@': // ICH
		s.restrict(s.cols - 1)
		s.work += s.cols - s.buf.col
		s.buf.current().insert(s.buf.col, n, s.erased())
	case 'A': // CUU
		s.up(n)
	case 'B': // CUD
		s.down(n)
	case 'C', 'a': // CUF, HPR
		s.moveBy(0, n)
	case 'D': // CUB
		s.moveBy(0, -n)
	case 'E': // CNL
		s.down(n)
		s.buf.col = 0
	case 'F': // CPL
		s.up(n)
		s.buf.col = 0
	case 'G', '`': // CHA, HPA
		s.moveTo(s.buf.row, n-1)
	case 'H', 'f': // CUP, HVP
		s.moveTo(n-1, p.or1(1)-1)
	case 'I': // CHT
		s.tabs(n, s.buf.nextTab)
	case 'Z': // CBT
		s.tabs(n, s.buf.prevTab)
	case 'd': // VPA
		s.moveTo(n-1, s.buf.col)
	case 'e': // VPR
		s.moveBy(n, 0)
	case 'g': // TBC
		s.clearTabs(p.v[0])
	case 'r': // DECSTBM
		s.setMargins(p)
	case 's': // SCOSC
		s.saveCursor()
	case 'u': // SCORC
		s.restoreCursor()
	case 'b': // REP
		s.repeat(n)
	default:
		if !s.csiEdit(id, n) {
			s.csiMode(id, p)
		}
	}
}

// csiEdit handles sequences that change the screen's content.
func (s *Screen) csiEdit(id uint32, n int) bool {
	b := s.buf
	switch id {
	case 'J', '?'<<8 | 'J': // ED, DECSED
		s.eraseDisplay(s.p.params.v[0], id != 'J')
	case 'K', '?'<<8 | 'K': // EL, DECSEL
		s.eraseLine(s.p.params.v[0], id != 'K')
	case 'L': // IL
		s.restrict(s.cols - 1)
		if b.inMargins() {
			b.shiftDown(b.row, n, s.erased())
			b.col = 0
		}
	case 'M': // DL
		s.restrict(s.cols - 1)
		if b.inMargins() {
			b.shiftUp(b.row, n, s.erased())
			b.col = 0
		}
	case 'P': // DCH
		s.restrict(s.cols - 1)
		s.work += s.cols - b.col
		b.current().delete(b.col, n, s.erased())
	case 'X': // ECH
		s.restrict(s.cols - 1)
		s.work += min(n, s.cols-b.col)
		b.current().replace(b.col, b.col+n, s.erased(), false)
	case 'S': // SU
		b.shiftUp(b.top, n, s.erased())
	case 'T': // SD
		b.shiftDown(b.top, n, cell{})
	case ' '<<8 | '@': // SL
		s.columnsBetweenMargins(func(l *line) { l.delete(0, n, s.erased()) })
	case ' '<<8 | 'A': // SR
		s.columnsBetweenMargins(func(l *line) { l.insert(0, n, s.erased()) })
	case '\''<<8 | '}': // DECIC
		s.columnsBetweenMargins(func(l *line) { l.insert(b.col, n, s.erased()) })
	case '\''<<8 | '~': // DECDC
		s.columnsBetweenMargins(func(l *line) { l.delete(b.col, n, s.erased()) })
	default:
		return false
	}
	return true
}

// csiMode handles sequences that set modes or send queries.
func (s *Screen) csiMode(id uint32, p *params) {
	switch id {
	case 'm': // SGR
		s.sgr(p)
	case 'h': // SM
		s.setModes(p, true)
	case 'l': // RM
		s.setModes(p, false)
	case '?'<<8 | 'h': // DECSET
		s.setPrivateModes(p, true)
	case '?'<<8 | 'l': // DECRST
		s.setPrivateModes(p, false)
	case '!'<<8 | 'p': // DECSTR
		s.softReset()
	case ' '<<8 | 'q': // DECSCUSR
		s.setCursorStyle(p.v[0])
	case '"'<<8 | 'q': // DECSCA
		s.setProtected(p.v[0])
	default:
		s.query(id, p.v[0])
	}
}
