package screen

import "maps"

// Limits on the memory for hyperlinks.
const (
	uriBytes     = 2083    // a longer URI is not a link (as in VTE)
	linksBytes   = 1 << 20 // of all links of a screen
	extsPerTable = 1 << 16 // sets of extended attributes in use at once
	firstSweep   = 1 << 10 // new entries before the first sweep
)

// extTable numbers the sets of extended attributes that cells refer to. Index 0 is the empty set. A sweep removes
// unused entries, after as many new ones as the last sweep kept.
type extTable struct {
	sets       []extAttrs
	numbers    map[extAttrs]uint32
	free       []uint32
	byID       map[link]*link // links with an id from OSC 8
	bytes      int            // of the links in byID, and of anonymous ones since the last sweep
	wanted     int            // entries requested since the last sweep
	sweepAfter int            // limit of wanted before the next sweep
}

// at returns the set with number i.
func (t *extTable) at(i uint32) extAttrs {
	if int(i) >= len(t.sets) {
		return extAttrs{}
	}
	return t.sets[i]
}

// index returns the number of e, 0 if the table is full of used sets. mark calls its argument with each number in use;
// nil prevents a sweep, for lines that mark does not cover.
func (t *extTable) index(e extAttrs, mark func(func(uint32))) uint32 {
	if i, ok := t.numbers[e]; ok {
		return i
	}
	if t.numbers == nil {
		t.sets = make([]extAttrs, 1, 8)
		t.numbers = map[extAttrs]uint32{{}: 0}
		t.sweepAfter = firstSweep
	}
	if t.wanted++; t.wanted > t.sweepAfter && mark != nil {
		t.sweep(mark)
	}
	if len(t.numbers) >= extsPerTable {
		return 0
	}
	var i uint32
	if n := len(t.free); n > 0 {
		i, t.free = t.free[n-1], t.free[:n-1]
		t.sets[i] = e
	} else {
		i = uint32(len(t.sets))
		t.sets = append(t.sets, e)
	}
	t.numbers[e] = i
	return i
}

// sweep removes unused sets.
func (t *extTable) sweep(mark func(func(uint32))) {
	used := make([]bool, len(t.sets))
	used[0] = true
	mark(func(i uint32) { used[i] = true })
	t.free = t.free[:0]
	t.bytes = 0
	live := make(map[*link]bool)
	for i, e := range t.sets {
		if !used[i] {
			if t.numbers[e] == uint32(i) && i > 0 {
				delete(t.numbers, e)
			}
			t.sets[i] = extAttrs{}
			t.free = append(t.free, uint32(i))
			continue
		}
		if e.link != nil && !live[e.link] {
			live[e.link] = true
			t.bytes += len(e.link.id) + len(e.link.uri)
		}
	}
	maps.DeleteFunc(t.byID, func(_ link, l *link) bool { return !live[l] })
	t.wanted, t.sweepAfter = 0, max(firstSweep, len(t.numbers))
}

// sweepIfMany removes unused sets if reading the history has added many.
func (t *extTable) sweepIfMany(mark func(func(uint32))) {
	if t.wanted > t.sweepAfter {
		t.sweep(mark)
	}
}

// open returns the link of an OSC 8, or nil if there is no room. Equal id and URI are the same link.
func (t *extTable) open(id, uri string, mark func(func(uint32))) *link {
	l := link{id: id, uri: uri}
	if id != "" {
		if known, ok := t.byID[l]; ok {
			return known
		}
	}
	n := len(id) + len(uri)
	if n > uriBytes {
		return nil
	}
	if t.bytes+n > linksBytes {
		if t.wanted++; t.wanted%64 == 0 && t.numbers != nil {
			t.sweep(mark)
		}
		if t.bytes+n > linksBytes {
			return nil
		}
	}
	t.bytes += n
	made := &l
	if id != "" {
		if t.byID == nil {
			t.byID = make(map[link]*link)
		}
		t.byID[l] = made
	}
	return made
}

// markUsed calls use with the number of each set that a cell refers to. The history has its own sets.
func (s *Screen) markUsed(use func(uint32)) {
	for _, b := range []*buffer{&s.normal, &s.alt} {
		for i := range b.lines.n {
			l := b.lines.peek(i)
			if l.lazy {
				use(l.ink.ext)
				continue
			}
			s.work += len(l.cells) / 4
			for _, c := range l.cells {
				if c.ext != 0 {
					use(c.ext)
				}
			}
		}
	}
	use(s.ink.ext)
}
