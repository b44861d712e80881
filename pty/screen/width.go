package screen

import (
	"cmp"
	"slices"
)

// widths contains the widths of the code points below 0x10000, two bits each.
var widths = func() (t [0x10000 / 4]byte) {
	for i := range t {
		t[i] = 0x55
	}
	set := func(ranges [][2]uint32, w byte) {
		for _, r := range ranges {
			for c := r[0]; c <= r[1]; c++ {
				t[c/4] = t[c/4]&^(3<<(c%4*2)) | w<<(c%4*2)
			}
		}
	}
	set([][2]uint32{{0, 0x1f}, {0x7f, 0x9f}}, 0)
	set(zeroBMP, 0)
	set(wideBMP, 2)
	return t
}()

// columns returns the width of a code point: 0, 1, or 2.
func columns(code uint32) int {
	if code < 0x10000 {
		return int(widths[code/4] >> (code % 4 * 2) & 3)
	}
	switch {
	case inRanges(zeroHigh, code):
		return 0
	case inRanges(wideHigh, code):
		return 2
	}
	return 1
}

func inRanges(ranges [][2]uint32, code uint32) bool {
	i, _ := slices.BinarySearchFunc(ranges, code, func(r [2]uint32, c uint32) int { return cmp.Compare(r[1], c) })
	return i < len(ranges) && ranges[i][0] <= code
}
