package screen

// Mouse selects the reported mouse events, by mode number.
type Mouse int

// The mouse modes (xterm ctlseqs, "Mouse Tracking").
const (
	MouseOff   Mouse = 0
	MousePress Mouse = 9    // X10: presses only
	MouseClick Mouse = 1000 // presses and releases
	MouseDrag  Mouse = 1002 // and motion with a button down
	MouseAny   Mouse = 1003 // and all motion
)

// Modes are the modes that a program can set.
type Modes struct {
	Insert      bool // IRM, 4
	NewLine     bool // LNM, 20: LF also returns to column 0
	AppCursor   bool // DECCKM, ?1
	Origin      bool // DECOM, ?6
	Wrap        bool // DECAWM, ?7
	Blink       bool // ?12
	ReverseWrap bool // ?45
	AppKeypad   bool // DECNKM, ?66, ESC =
	Focus       bool // ?1004
	Paste       bool // ?2004, bracketed paste
	Sync        bool // ?2026, synchronized output: draw nothing yet
	Alternate   bool // ?47, ?1047, ?1049

	Mouse         Mouse
	MouseEncoding int // 0, 1006 (SGR) or 1016 (SGR, pixels)

	CursorStyle int // DECSCUSR: 0 as configured, 1 block, 2 underline, 3 bar
	CursorBlink int // DECSCUSR: 0 as configured, 1 blinking, 2 steady
}

func (s *Screen) setModes(p *params, on bool) {
	for _, v := range p.v[:p.n] {
		switch v {
		case 4:
			s.modes.Insert = on
		case 20:
			s.modes.NewLine = on
		}
	}
}

func (s *Screen) setPrivateModes(p *params, on bool) {
	for _, v := range p.v[:p.n] {
		switch v {
		case 2: // DECANM: to ANSI; there is no VT52 mode
			if on {
				for g := range s.g {
					s.designate(g, nil)
				}
			}
		case 6:
			s.modes.Origin = on
			s.moveTo(0, 0)
		case 9, 1000, 1002, 1003:
			s.modes.Mouse = MouseOff
			if on {
				s.modes.Mouse = Mouse(v)
			}
		case 1006, 1016:
			s.modes.MouseEncoding = 0
			if on {
				s.modes.MouseEncoding = v
			}
		case 25: // DECTCEM
			s.hidden = !on
		case 47, 1047, 1048, 1049:
			s.setAlternate(v, on)
		default:
			if field, ok := booleanModes[v]; ok {
				*field(&s.modes) = on
			}
		}
	}
}

// booleanModes are the private modes that are only on or off.
var booleanModes = map[int]func(*Modes) *bool{
	1:    func(m *Modes) *bool { return &m.AppCursor },
	6:    func(m *Modes) *bool { return &m.Origin },
	7:    func(m *Modes) *bool { return &m.Wrap },
	12:   func(m *Modes) *bool { return &m.Blink },
	45:   func(m *Modes) *bool { return &m.ReverseWrap },
	66:   func(m *Modes) *bool { return &m.AppKeypad },
	1004: func(m *Modes) *bool { return &m.Focus },
	2004: func(m *Modes) *bool { return &m.Paste },
	2026: func(m *Modes) *bool { return &m.Sync },
}

// setAlternate switches to the alternate screen or back. 1048 only saves or restores the cursor, 1049 does both.
// Switching back clears the alternate screen.
func (s *Screen) setAlternate(v int, on bool) {
	if on {
		if v >= 1048 {
			s.saveCursor()
		}
		if v == 1048 || s.buf == &s.alt {
			return
		}
		s.alt.fillScreen(s.erased())
		s.alt.row, s.alt.col = s.normal.row, s.normal.col
		s.buf = &s.alt
		return
	}
	if v != 1048 && s.buf == &s.alt {
		s.normal.row, s.normal.col = s.alt.row, s.alt.col
		s.alt.clear()
		s.buf = &s.normal
	}
	if v >= 1048 {
		s.restoreCursor()
	}
}

// setCursorStyle is DECSCUSR.
func (s *Screen) setCursorStyle(v int) {
	if v == 0 {
		s.modes.CursorStyle, s.modes.CursorBlink = 0, 0
		return
	}
	if v <= 6 {
		s.modes.CursorStyle = (v + 1) / 2
	}
	s.modes.CursorBlink = 2 - v%2
}

// modeState answers DECRQM: 0 unknown, 1 set, 2 reset, 3 and 4 permanently so.
func (s *Screen) modeState(v int, private bool) int {
	state := func(on bool) int {
		if on {
			return 1
		}
		return 2
	}
	if !private {
		switch v {
		case 2: // KAM
			return 4
		case 4:
			return state(s.modes.Insert)
		case 12: // SRM
			return 3
		case 20:
			return state(s.modes.NewLine)
		}
		return 0
	}
	switch v {
	case 8: // DECARM
		return 3
	case 9, 1000, 1002, 1003:
		return state(s.modes.Mouse == Mouse(v))
	case 25:
		return state(!s.hidden)
	case 67, 1005, 1015: // DECBKM, old mouse encodings
		return 4
	case 1006, 1016:
		return state(s.modes.MouseEncoding == v)
	case 1048:
		return 1
	case 47, 1047, 1049:
		return state(s.buf == &s.alt)
	}
	if field, ok := booleanModes[v]; ok {
		return state(*field(&s.modes))
	}
	return 0
}
