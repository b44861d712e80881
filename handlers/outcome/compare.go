package outcome

// maxCells bounds a comparison of two outputs, line by line: it takes four bytes for each pair of lines.
const maxCells = 1 << 20

// marks are an output's differences from another one.
type marks struct {
	differs map[int]bool // lines that the other lacks
	lacks   map[int]int  // how many of the other's lines are missing before a line
}

// compare compares the lines of two outputs.
func compare(lines, other []string) marks {
	m := marks{map[int]bool{}, map[int]int{}}
	same := common(lines, other)
	next := 0 // line of other
	for i := range lines {
		at, ok := same[i]
		if !ok {
			m.differs[i] = true
			continue
		}
		m.lacks[i] = at - next
		next = at + 1
	}
	m.lacks[len(lines)] = len(other) - next
	// A changed line is not also missing.
	for i, n := range m.lacks {
		for at := i - 1; n > 0 && m.differs[at]; at-- {
			n--
		}
		if m.lacks[i] = n; n == 0 {
			delete(m.lacks, i)
		}
	}
	return m
}

// common is the longest common subsequence of two lists of lines: a map from one's line to the other's. Very long
// outputs are compared by line number.
func common(a, b []string) map[int]int {
	pairs := map[int]int{}
	from, endA, endB := 0, len(a), len(b)
	for ; from < min(endA, endB) && a[from] == b[from]; from++ {
		pairs[from] = from
	}
	for endA > from && endB > from && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
		pairs[endA] = endB
	}
	a, b = a[from:endA], b[from:endB]
	if (len(a)+1)*(len(b)+1) > maxCells {
		for i := range min(len(a), len(b)) {
			if a[i] == b[i] {
				pairs[from+i] = from + i
			}
		}
		return pairs
	}
	length := make([][]int32, len(a)+1) // of the common part from there
	for i := range length {
		length[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			length[i][j] = max(length[i+1][j], length[i][j+1])
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			pairs[from+i] = from + j
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}
