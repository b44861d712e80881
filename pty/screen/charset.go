package screen

// charset replaces printable ASCII (ISO 2022 designation, ECMA-35). nil is ASCII itself. A zero entry keeps the
// character.
type charset struct {
	final byte // in its designation
	to    [128]uint16
}

func newCharset(final byte, from, to string) *charset {
	c := &charset{final: final}
	for i, r := range []rune(to) {
		c.to[from[i]] = uint16(r)
	}
	return c
}

// charsets maps final bytes to sets: DEC Special Graphics and the National Replacement Character Sets of the VT220. 'B'
// (ASCII) maps to nil.
var charsets = func() map[byte]*charset {
	m := map[byte]*charset{'B': nil}
	for _, c := range [...]struct{ finals, from, to string }{
		{"0", "`abcdefghijklmnopqrstuvwxyz{|}~", "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"},
		{"A", "#", "£"},
		{"4", "#@[\\]{|}~", "£¾i½|¨f¼´"},
		{"C5", "[\\]^`{|}~", "ÄÖÅÜéäöåü"},
		{"R", "#@[\\]{|}~", "£à°ç§éùè¨"},
		{"Q", "@[\\]^`{|}~", "àâçêîôéùèû"},
		{"K", "@[\\]{|}~", "§ÄÖÜäöüß"},
		{"Y", "#@[\\]`{|}~", "£§°çéùàòèì"},
		{"E6", "@[\\]^`{|}~", "ÄÆØÅÜäæøåü"},
		{"Z", "#@[\\]{|}", "£§¡Ñ¿°ñç"},
		{"H7", "@[\\]^`{|}~", "ÉÄÖÅÜéäöåü"},
		{"=", "#@[\\]^_`{|}~", "ùàéçêîèôäöüû"},
	} {
		set := newCharset(c.finals[0], c.from, c.to)
		for i := range c.finals {
			m[c.finals[i]] = set
		}
	}
	return m
}()

// designate assigns a set to G0 to G3.
func (s *Screen) designate(g int, c *charset) {
	s.g[g] = c
	if s.level == g {
		s.charset = c
	}
}

// invoke selects G0 to G3 (SI, SO, LS2, LS3).
func (s *Screen) invoke(g int) {
	s.level = g
	s.charset = s.g[g]
}

// designations maps intermediates to G0 to G3. '-' and '.' designate 96-character sets in ECMA-35; xterm.js uses them
// for G1 and G2, and ignores '/'.
var designations = map[byte]int{'(': 0, ')': 1, '-': 1, '*': 2, '.': 2, '+': 3}

// escCharset handles designations, ESC I F.
func (s *Screen) escCharset(intermediate, final byte) {
	g, ok := designations[intermediate]
	if set, known := charsets[final]; ok && known {
		s.designate(g, set)
	}
}
