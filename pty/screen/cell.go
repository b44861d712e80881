package screen

// cell is one column of a row. It takes 16 bytes, and its zero value is blank (no character, one column wide, default
// colours).
type cell struct {
	content uint32 // code point | combinedFlag | (columns^1)<<widthShift
	fg, bg  uint32 // colour and attributes
	ext     uint32 // index into extTable; valid only with bg&hasExt
}

// The parts of cell.content. The text of a combined cell is in line.combined. The lowest bit of the width is inverted,
// so that 1 is stored as 0.
const (
	codeMask     = 1<<21 - 1
	combinedFlag = 1 << 21
	contentMask  = codeMask | combinedFlag
	widthShift   = 22
	widthMask    = 3 << widthShift
)

// The parts of cell.fg and cell.bg: a colour in the low 26 bits, then flags.
const (
	colourValue = 0x00ffffff
	colourMode  = 0x03000000
	colourMask  = colourValue | colourMode
	mode16      = 0x01000000 // 0 to 15, from SGR 30-37, 90-97
	mode256     = 0x02000000 // 0 to 255
	modeRGB     = 0x03000000

	inverse   = 0x04000000 // of fg
	bold      = 0x08000000
	underline = 0x10000000
	blink     = 0x20000000
	invisible = 0x40000000
	strike    = 0x80000000

	italic    = 0x04000000 // of bg
	dim       = 0x08000000
	hasExt    = 0x10000000
	protected = 0x20000000 // DECSCA
	overline  = 0x40000000
)

// content returns the content of a cell with one code point.
func content(code uint32, width int) uint32 {
	return code | uint32(width^1)<<widthShift
}

// width is the width of the cell's character: 1, 2, or 0 for the right half of a wide one.
func (c cell) width() int { return int(c.content>>widthShift ^ 1) }

// filled reports whether a character, possibly a space, was written there.
func (c cell) filled() bool { return c.content&contentMask != 0 }

// link is a hyperlink opened by OSC 8. Its cells share the pointer.
type link struct{ id, uri string }

// extAttrs are attributes that few cells have.
type extAttrs struct {
	style  uint8  // underline: 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed
	colour uint32 // of the underline, as in cell.fg; mode 0: the text's
	link   *link
}

// underlineStyle is the visible style; a link's is always dashed.
func (e extAttrs) underlineStyle() uint8 {
	if e.link != nil {
		return 5
	}
	return e.style
}

func (e extAttrs) empty() bool { return e.underlineStyle() == 0 && e.link == nil }

// pen has the attributes of the next character (SGR, DECSCA, OSC 8).
type pen struct {
	fg, bg uint32
	ext    extAttrs
}

// updateExt sets hasExt in bg if ext is not empty.
func (p *pen) updateExt() {
	p.bg &^= hasExt
	if !p.ext.empty() {
		p.bg |= hasExt
	}
}

func (s *Screen) setPen(p pen) {
	s.pen = p
	s.ink = cell{fg: p.fg, bg: p.bg}
	if p.bg&hasExt != 0 {
		s.ink.ext = s.exts.index(p.ext, s.markUsed)
	}
}

// erased is the cell left by erasing: blank, with the pen's background (background colour erase).
func (s *Screen) erased() cell { return cell{bg: s.pen.bg & colourMask} }
