package screen

// sgr is Select Graphic Rendition (ECMA-48 8.3.117) with the colours of ISO 8613-6 and xterm.
func (s *Screen) sgr(p *params) {
	a := s.pen
	for i := 0; i < p.n; i++ {
		switch v := p.v[i]; {
		case v >= 30 && v <= 37:
			a.fg = a.fg&^colourMask | mode16 | uint32(v-30)
		case v >= 40 && v <= 47:
			a.bg = a.bg&^colourMask | mode16 | uint32(v-40)
		case v >= 90 && v <= 97:
			a.fg = a.fg&^colourMask | mode16 | uint32(v-90+8)
		case v >= 100 && v <= 107:
			a.bg = a.bg&^colourMask | mode16 | uint32(v-100+8)
		case v == 39:
			a.fg &^= colourMask
		case v == 49:
			a.bg &^= colourMask
		case v == 38 || v == 48 || v == 58:
			i += a.colour(p, i)
		case v == 59: // xterm.js sets white
			a.ext.colour = colourMask
			a.updateExt()
		case v == 0:
			a.fg, a.bg = 0, 0
			a.ext.style, a.ext.colour = 0, 0
			a.updateExt()
		case v == 4:
			style := 1
			if sub := p.subOf(i); len(sub) > 0 {
				style = sub[0]
			}
			a.underlined(style)
		case v == 21:
			a.underlined(2)
		case v == 24:
			a.underlined(0)
		default:
			a.flag(v)
		}
	}
	s.setPen(a)
}

// flags are the simple attributes: the parameters of SGR that set and reset each, and its bit of cell.fg or cell.bg.
var flags = [...]struct {
	on, off int
	fg, bg  uint32
}{
	{1, 22, bold, 0}, {2, 22, 0, dim}, {3, 23, 0, italic}, {5, 25, blink, 0},
	{7, 27, inverse, 0}, {8, 28, invisible, 0}, {9, 29, strike, 0}, {53, 55, 0, overline},
}

// flag sets or resets a simple attribute.
func (a *pen) flag(v int) {
	for _, f := range flags {
		switch v {
		case f.on:
			a.fg, a.bg = a.fg|f.fg, a.bg|f.bg
		case f.off:
			a.fg, a.bg = a.fg&^f.fg, a.bg&^f.bg
		}
	}
}

// underlined sets the underline style, 0 for none.
func (a *pen) underlined(style int) {
	if style < 0 || style > 5 {
		style = 1
	}
	a.ext.style = uint8(style)
	a.fg |= underline
	if style == 0 {
		a.fg &^= underline
	}
	a.updateExt()
}

// colour handles parameter i, 38, 48, or 58, and returns how many of the following parameters belong to it. It accepts
// both notations, 38;2;r;g;b and 38:2:space:r:g:b, and mixtures.
func (a *pen) colour(p *params, i int) int {
	v := [7]int{2: -1} // target, mode, colour space, three values
	space, n := 0, 0
	for {
		v[n+space] = p.v[i+n]
		if sub := p.subOf(i + n); len(sub) > 0 {
			for k := 0; k < len(sub) && (k == 0 || k+n+1+space < 6); k++ {
				if v[1] == 5 {
					space = 1
				}
				v[n+k+1+space] = sub[k]
			}
			break
		}
		if v[1] == 5 && n+space >= 2 || v[1] == 2 && n+space >= 5 {
			break
		}
		if v[1] != 0 {
			space = 1
		}
		if n++; n+i >= p.n || n+space >= 6 {
			break
		}
	}
	for k := 2; k < len(v); k++ {
		v[k] = max(v[k], 0)
	}
	switch v[0] {
	case 38:
		setColour(&a.fg, v)
	case 48:
		setColour(&a.bg, v)
	case 58:
		setColour(&a.ext.colour, v)
	}
	return n
}

// setColour sets c to the colour in v; an unknown mode has no effect.
func setColour(c *uint32, v [7]int) {
	switch v[1] {
	case 2:
		*c = *c&^colourMask | modeRGB | uint32(v[3]&0xff)<<16 | uint32(v[4]&0xff)<<8 | uint32(v[5]&0xff)
	case 5:
		*c = *c&^colourMask | mode256 | uint32(v[3]&0xff)
	}
}
