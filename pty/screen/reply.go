package screen

import "fmt"

// replyWork is the cost of a reply, in cells.
const replyWork = 256

// reply sends a reply to the program.
func (s *Screen) reply(format string, args ...any) {
	s.work += replyWork
	if s.Replies != nil {
		s.Replies(fmt.Appendf(nil, format, args...))
	}
}

// query answers queries in control sequences exactly as xterm.js does. DA3, XTVERSION, and window reports get no
// answer.
func (s *Screen) query(id uint32, v int) {
	row, col := s.buf.row+1, s.buf.col+1
	switch id {
	case 'c': // DA1: VT100 with Advanced Video Option
		if v == 0 {
			s.reply("\x1b[?1;2c")
		}
	case '>'<<8 | 'c': // DA2: xterm, patch 276
		if v == 0 {
			s.reply("\x1b[>0;276;0c")
		}
	case 'n': // DSR
		switch v {
		case 5:
			s.reply("\x1b[0n")
		case 6:
			s.reply("\x1b[%d;%dR", row, col)
		}
	case '?'<<8 | 'n': // DECXCPR
		if v == 6 {
			s.reply("\x1b[?%d;%dR", row, col)
		}
	case '$'<<8 | 'p': // DECRQM
		s.reply("\x1b[%d;%d$y", v, s.modeState(v, false))
	case '?'<<16 | '$'<<8 | 'p':
		s.reply("\x1b[?%d;%d$y", v, s.modeState(v, true))
	}
}

// dcs handles a device control string; only DECRQSS is supported.
func (s *Screen) dcs(id uint32, text string) {
	if id != '$'<<8|'q' {
		return
	}
	status := func(format string, args ...any) {
		s.reply("\x1bP1$r"+format+"\x1b\\", args...)
	}
	switch text {
	case `"q`: // DECSCA
		on := 0
		if s.pen.bg&protected != 0 {
			on = 1
		}
		status(`%d"q`, on)
	case `"p`: // DECSCL: VT100, 7-bit controls
		status(`61;1"p`)
	case "r": // DECSTBM
		status("%d;%dr", s.buf.top+1, s.buf.bottom+1)
	case "m": // SGR: xterm.js always answers this
		status("0m")
	case " q": // DECSCUSR: as configured, a block
		style := 2
		if s.modes.Blink {
			style = 1
		}
		status("%d q", style)
	default:
		s.reply("\x1bP0$r\x1b\\")
	}
}
