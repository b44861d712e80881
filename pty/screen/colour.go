package screen

import (
	"fmt"
	"strconv"
	"strings"
)

// RGB is a colour with 8 bits per channel.
type RGB struct{ R, G, B uint8 }

// Colour numbers beyond the palette's 0 to 255.
const (
	Foreground = 256 + iota
	Background
	CursorColour
	colourCount
)

// palette contains xterm.js's colours: Tango's sixteen, xterm's cube and greys, white on black.
var palette = func() [colourCount]RGB {
	p := [colourCount]RGB{
		{0x2e, 0x34, 0x36}, {0xcc, 0x00, 0x00}, {0x4e, 0x9a, 0x06}, {0xc4, 0xa0, 0x00},
		{0x34, 0x65, 0xa4}, {0x75, 0x50, 0x7b}, {0x06, 0x98, 0x9a}, {0xd3, 0xd7, 0xcf},
		{0x55, 0x57, 0x53}, {0xef, 0x29, 0x29}, {0x8a, 0xe2, 0x34}, {0xfc, 0xe9, 0x4f},
		{0x72, 0x9f, 0xcf}, {0xad, 0x7f, 0xa8}, {0x34, 0xe2, 0xe2}, {0xee, 0xee, 0xec},
	}
	steps := [6]uint8{0, 0x5f, 0x87, 0xaf, 0xd7, 0xff}
	for i := range 216 {
		p[16+i] = RGB{steps[i/36], steps[i/6%6], steps[i%6]}
	}
	for i := range 24 {
		v := uint8(8 + 10*i)
		p[232+i] = RGB{v, v, v}
	}
	p[Foreground] = RGB{0xff, 0xff, 0xff}
	p[CursorColour] = RGB{0xff, 0xff, 0xff}
	return p
}()

// Colour returns a colour set by the program, or the palette's.
func (s *Screen) Colour(i int) RGB {
	if c, ok := s.colours[i]; ok {
		return c
	}
	return palette[i]
}

func (s *Screen) setColour(i int, c RGB) {
	if s.colours == nil {
		s.colours = make(map[int]RGB)
	}
	s.colours[i] = c
}

// paletteColours handles OSC 4 ; number ; colour or ? ; …
func (s *Screen) paletteColours(text string) {
	fields := strings.Split(text, ";")
	for ; len(fields) > 1; fields = fields[2:] {
		i, ok := paletteIndex(fields[0])
		if !ok {
			continue
		}
		if fields[1] == "?" {
			s.reply("\x1b]4;%d;%s\x1b\\", i, s.Colour(i))
		} else if c, ok := parseColour(fields[1]); ok {
			s.setColour(i, c)
		}
	}
}

// specialColours handles OSC 10, 11, or 12 ; colour or ? ; … for that colour and the next ones.
func (s *Screen) specialColours(id int, text string) {
	for field := range strings.SplitSeq(text, ";") {
		if id > 12 {
			return
		}
		if i := id - 10 + Foreground; field == "?" {
			s.reply("\x1b]%d;%s\x1b\\", id, s.Colour(i))
		} else if c, ok := parseColour(field); ok {
			s.setColour(i, c)
		}
		id++
	}
}

// restoreColours handles OSC 104 ; number ; …, or without numbers the whole palette.
func (s *Screen) restoreColours(text string) {
	for i := range s.colours {
		if text == "" && i < Foreground {
			delete(s.colours, i)
		}
	}
	for field := range strings.SplitSeq(text, ";") {
		if i, ok := paletteIndex(field); ok {
			delete(s.colours, i)
		}
	}
}

// paletteIndex parses 0 to 255, digits only.
func paletteIndex(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 8)
	return int(n), err == nil
}

// String formats the colour for XParseColor, with 16 bits per channel.
func (c RGB) String() string {
	return fmt.Sprintf("rgb:%02[1]x%02[1]x/%02[2]x%02[2]x/%02[3]x%02[3]x", c.R, c.G, c.B)
}

// parseColour parses rgb:r/g/b and #rgb with 1 to 4 digits per channel (XParseColor; no names).
func parseColour(text string) (RGB, bool) {
	text = strings.ToLower(text)
	if spec, ok := strings.CutPrefix(text, "rgb:"); ok {
		f := strings.Split(spec, "/")
		if len(f) != 3 || len(f[0]) != len(f[1]) || len(f[1]) != len(f[2]) {
			return RGB{}, false
		}
		return channels(f, func(v, digits int) uint8 {
			top := 1<<(4*digits) - 1
			return uint8((v*255*2 + top) / (2 * top))
		})
	}
	spec, ok := strings.CutPrefix(text, "#")
	if n := len(spec) / 3; ok && len(spec)%3 == 0 {
		return channels([]string{spec[:n], spec[n : 2*n], spec[2*n:]}, func(v, digits int) uint8 {
			return uint8(v << 8 >> (4 * digits) & 0xff)
		})
	}
	return RGB{}, false
}

// channels parses three hexadecimal numbers of 1 to 4 digits and scales them.
func channels(f []string, scale func(v, digits int) uint8) (RGB, bool) {
	var c [3]uint8
	for i, digits := range f {
		v, err := strconv.ParseUint(digits, 16, 16)
		if err != nil || len(digits) > 4 {
			return RGB{}, false
		}
		c[i] = scale(int(v), len(digits))
	}
	return RGB{c[0], c[1], c[2]}, true
}
