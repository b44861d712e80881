package screen

// Limits of one control sequence; the excess is ignored.
const (
	maxParams    = 32
	maxSubParams = 32
	maxParam     = 1<<31 - 1
)

// params are the numeric parameters of a control sequence (ECMA-48 5.4.2), with sub-parameters separated by colons (ISO
// 8613-6). A missing parameter is 0, a missing sub-parameter -1.
type params struct {
	v        [maxParams]int
	n        int
	sub      [maxSubParams]int
	subs     int
	from, to [maxParams]uint8 // the sub-parameters of each parameter
	full     bool             // too many parameters: digits are ignored
	subFull  bool
	inSub    bool
}

func (p *params) reset() {
	p.n, p.subs = 0, 0
	p.full, p.subFull, p.inSub = false, false, false
	p.next()
}

// next starts a parameter (';').
func (p *params) next() {
	p.inSub = false
	if p.n == maxParams {
		p.full = true
		return
	}
	p.from[p.n], p.to[p.n] = uint8(p.subs), uint8(p.subs)
	p.v[p.n] = 0
	p.n++
}

// nextSub starts a sub-parameter (':').
func (p *params) nextSub() {
	p.inSub = true
	if p.full || p.subs == maxSubParams {
		p.subFull = true
		return
	}
	p.sub[p.subs] = -1
	p.subs++
	p.to[p.n-1]++
}

func (p *params) digit(d int) {
	if p.full || p.inSub && (p.subFull || p.subs == 0) {
		return
	}
	v := &p.v[p.n-1]
	if p.inSub {
		v = &p.sub[p.subs-1]
	}
	*v = min(max(*v, 0)*10+d, maxParam)
}

// add processes a byte of the parameter string, '0' to ';'.
func (p *params) add(b byte) {
	switch b {
	case ';':
		p.next()
	case ':':
		p.nextSub()
	default:
		p.digit(int(b - '0'))
	}
}

// or1 returns parameter i, 1 if it is missing or 0.
func (p *params) or1(i int) int {
	if i >= p.n || p.v[i] == 0 {
		return 1
	}
	return p.v[i]
}

// subOf returns the sub-parameters of parameter i.
func (p *params) subOf(i int) []int { return p.sub[p.from[i]:p.to[i]] }
