package screen

import (
	"fmt"
	"math"
	"strings"
)

// dump formats a screen as internal/tools/golden/dump.mjs formats that of xterm.js, with up to history rows of the
// history.
func dump(s *Screen, history int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cursor %d %d parser %d joined %d\n", s.buf.row, s.buf.col, s.p.state, s.joined)
	fmt.Fprintf(&b, "modes %s\n", dumpModes(s))
	b.WriteString(strings.TrimRight("pen "+attrs(s.pen.fg, s.pen.bg, s.pen.ext), " ") + "\n")
	b.WriteString("charsets ")
	for _, c := range s.g {
		b.WriteByte(setName(c))
	}
	fmt.Fprintf(&b, " %d %c\n", s.level, setName(s.charset))
	fmt.Fprintf(&b, "saved %s | %s\n", dumpSaved(s, &s.normal), dumpSaved(s, &s.alt))
	fmt.Fprintf(&b, "title %s\n", quote(s.title))
	dumpLines(&b, s, "normal", &s.normal, max(s.normal.base-history, 0))
	if s.buf == &s.alt {
		dumpLines(&b, s, "alternate", &s.alt, 0)
	}
	return b.String()
}

func setName(c *charset) byte {
	if c == nil {
		return 'B'
	}
	return c.final
}

func dumpSaved(s *Screen, b *buffer) string {
	row := min(max(b.saved.row-b.base, 0), s.rows-1)
	return strings.TrimRight(fmt.Sprintf("%d %d %c %s", row, min(b.saved.col, s.cols-1),
		setName(b.saved.charset), attrs(b.saved.fg, b.saved.bg&^hasExt, extAttrs{})), " ")
}

func dumpModes(s *Screen) string {
	var words []string
	add := func(on bool, w string) {
		if on {
			words = append(words, w)
		}
	}
	m := s.modes
	add(m.Insert, "insert")
	add(m.NewLine, "newline")
	add(m.AppCursor, "cursor-keys")
	add(m.Origin, "origin")
	add(m.Wrap, "wrap")
	add(m.Blink, "blink")
	add(m.ReverseWrap, "reverse-wrap")
	add(m.AppKeypad, "keypad")
	add(m.Focus, "focus")
	add(m.Paste, "paste")
	add(m.Sync, "sync")
	add(s.hidden, "hidden")
	add(m.Mouse != 0, fmt.Sprintf("mouse=%d", m.Mouse))
	add(m.MouseEncoding != 0, fmt.Sprintf("encoding=%d", m.MouseEncoding))
	add(m.CursorStyle != 0, "style="+[]string{"", "block", "underline", "bar"}[m.CursorStyle])
	add(m.CursorBlink != 0, fmt.Sprintf("style-blink=%t", m.CursorBlink == 1))
	return strings.Join(words, " ")
}

// quote escapes invisible characters; runs of NUL, which represent blank cells, become \{n}.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for len(text) > 0 {
		if n := len(text) - len(strings.TrimLeft(text, "\x00")); n > 0 {
			fmt.Fprintf(&b, `\{%d}`, n)
			text = text[n:]
			continue
		}
		if c := text[0]; c < 0x20 || c == '"' || c == 0x7f {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
		text = text[1:]
	}
	return b.String() + `"`
}

func dumpColour(letter string, v uint32) string {
	switch v & colourMode {
	case 0:
		return ""
	case modeRGB:
		return fmt.Sprintf("%s3.%x", letter, v&colourValue)
	}
	return fmt.Sprintf("%s%d.%x", letter, v>>24&3, v&0xff)
}

// attrs describes the visible attributes.
func attrs(fg, bg uint32, ext extAttrs) string {
	s := dumpColour("f", fg) + dumpColour("b", bg)
	for _, f := range []struct {
		v, bit uint32
		letter string
	}{
		{fg, bold, "B"}, {bg, dim, "D"}, {bg, italic, "I"}, {fg, blink, "K"}, {fg, inverse, "V"},
		{fg, invisible, "H"}, {fg, strike, "S"}, {bg, overline, "O"}, {bg, protected, "P"},
	} {
		if f.v&f.bit != 0 {
			s += f.letter
		}
	}
	has, under := bg&hasExt != 0, fg&underline != 0
	if under || has && ext.underlineStyle() != 0 {
		style := uint8(0)
		if under {
			style = 1
			if has {
				style = ext.underlineStyle()
			}
		}
		s += fmt.Sprintf("u%d", style)
		if has {
			s += dumpColour("c", ext.colour)
		}
	}
	if has && ext.link != nil {
		s += "l" + quote(ext.link.id+";"+ext.link.uri)
	}
	return s
}

func dumpLines(b *strings.Builder, s *Screen, name string, buf *buffer, from int) {
	fmt.Fprintf(b, "%s %d margins %d %d%s\n", name, buf.base, buf.top, buf.bottom, dumpTabs(buf, s.cols))
	for i := from; i < buf.count(); i++ {
		l := buf.read(i, &line{})
		text, runs := dumpLine(s, l)
		if text == "" && runs == "" && !l.wrapped {
			continue
		}
		mark := ""
		if l.wrapped {
			mark = "+"
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("%d%s %s %s", i-buf.base, mark, quote(text), runs), " ") + "\n")
	}
}

func dumpTabs(buf *buffer, cols int) string {
	var stops []string
	usual := true
	for i := range cols {
		if buf.isTab(i) {
			stops = append(stops, fmt.Sprint(i))
		}
		usual = usual && buf.isTab(i) == (i%tabColumns == 0)
	}
	if usual {
		return ""
	}
	return " tabs " + strings.Join(stops, ",")
}

func dumpLine(s *Screen, l *line) (text, runs string) {
	at := func(i int) string {
		c := l.cells[i]
		return attrs(c.fg, c.bg, s.exts.at(c.ext))
	}
	end := 0
	for i := range s.cols {
		if l.filled(i) || l.width(i) != 1 || at(i) != "" {
			end = i + 1
		}
	}
	var t, r strings.Builder
	last, from := "", 0
	for i := 0; i <= end; i++ {
		a := ""
		if i < end {
			a = at(i)
		}
		if a != last || i == end {
			if last != "" {
				fmt.Fprintf(&r, " %d", from)
				if i-from > 1 {
					fmt.Fprintf(&r, "-%d", i-1)
				}
				r.WriteString(":" + last)
			}
			last, from = a, i
		}
		if i < end {
			t.WriteString(dumpCell(l, i, s.cols))
		}
	}
	return t.String(), strings.TrimPrefix(r.String(), " ")
}

// dumpCell marks unpaired halves of wide characters with 1c and 1d, and characters without width with 1e.
func dumpCell(l *line, i, cols int) string {
	w, chars := l.width(i), l.text(i)
	mark := ""
	switch {
	case w == 0 && chars == "":
		if i == 0 || l.width(i-1) != 2 {
			return "\x1c"
		}
		return ""
	case w == 0:
		mark = "\x1e"
	case w == 2 && (i+1 >= cols || l.width(i+1) != 0 || l.filled(i+1)):
		mark = "\x1d"
	}
	if chars == "" {
		chars = "\x00"
	}
	return mark + chars
}

// Snapshot is SnapshotWithin without a limit of bytes.
func (s *Screen) Snapshot(historyRows int) []byte {
	return s.paint(&painter{limit: math.MaxInt}, historyRows)
}

// HistoryRows is the number of history rows of the normal screen.
func (s *Screen) HistoryRows() int { return s.normal.base }

// History returns the last n rows of the history as text, oldest first, without trailing blanks.
func (s *Screen) History(n int) []string {
	n = max(min(n, s.normal.base), 0)
	rows := make([]string, n)
	var l line
	for i := range rows {
		rows[i] = s.normal.read(s.normal.base-n+i, &l).String()
	}
	return rows
}
