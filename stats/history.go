package stats

import (
	"math"
	"time"
)

// Tick is the time between two samples.
const Tick = 5 * time.Second

// details are the levels of detail at which history is kept, finest first: how many ticks a row covers, and how many
// rows are kept. The finest must hold as many ticks as a row of the coarsest covers.
var details = [...]struct{ ticks, rows int }{
	{1, 180},  // 5 s, for 15 minutes
	{12, 360}, // 1 min, for 6 hours
	{60, 288}, // 5 min, for 24 hours
}

// history holds rows of values at decreasing detail. A value that is not known is NaN. The memory grows with the
// history's age, up to 828 rows.
type history struct {
	peaks  []bool // by column: several rows become their maximum, not their mean
	levels [len(details)]level
}

// level is a ring of rows.
type level struct {
	values []float32 // row by row
	next   int       // the row that comes next, once the ring is full
}

func newHistory(peaks []bool) *history { return &history{peaks: peaks} }

// add adds the row of a tick. Ticks are counted for all histories of a node, so that their coarse rows cover the same
// times.
func (h *history) add(tick int64, row []float32) {
	h.levels[0].add(row, details[0].rows)
	for i, d := range details[1:] {
		if tick%int64(d.ticks) == 0 {
			h.levels[i+1].add(h.merged(d.ticks), d.rows)
		}
	}
}

// merged is one row for the last n ticks.
func (h *history) merged(n int) []float32 {
	width := len(h.peaks)
	row := make([]float32, width)
	for column, peak := range h.peaks {
		row[column] = merge(h.levels[0].column(column, width, n), peak)
	}
	return row
}

// merge is the mean or the maximum of the values that are known, NaN without any.
func merge(values []float32, peak bool) float32 {
	sum, most, known := 0.0, math.Inf(-1), 0
	for _, v := range values {
		if v == v { // not NaN
			sum, most, known = sum+float64(v), max(most, float64(v)), known+1
		}
	}
	switch {
	case known == 0:
		return float32(math.NaN())
	case peak:
		return float32(most)
	}
	return float32(sum / float64(known))
}

// newest are the last n values of a column at a level, oldest first, or as many as there are. The last one of a coarse
// level is made of the ticks that its row has so far.
func (h *history) newest(tick int64, index, column, n int) Values {
	part := int(tick % int64(details[index].ticks))
	if part == 0 || n < 1 {
		return h.levels[index].column(column, len(h.peaks), n)
	}
	values := h.levels[index].column(column, len(h.peaks), n-1)
	if first := h.levels[0].column(column, len(h.peaks), part); len(first) > 0 {
		values = append(values, merge(first, h.peaks[column]))
	}
	return values
}

func (l *level) add(row []float32, most int) {
	if whole := most * len(row); len(l.values) < whole {
		if len(l.values) == cap(l.values) { // append would take more than the ring ever needs
			grown := make([]float32, len(l.values), min(whole, max(2*len(l.values), 8*len(row))))
			copy(grown, l.values)
			l.values = grown
		}
		l.values = append(l.values, row...)
		return
	}
	copy(l.values[l.next*len(row):], row)
	l.next = (l.next + 1) % most
}

// column are the last n values of a column, oldest first, or as many as there are.
func (l *level) column(column, width, n int) []float32 {
	rows := len(l.values) / width
	n = min(n, rows)
	values := make([]float32, 0, n)
	for i := rows - n; i < rows; i++ {
		values = append(values, l.values[(l.next+i)%rows*width+column])
	}
	return values
}

// detail is the finest level that covers a time, or the coarsest, and how many of its rows that takes.
func detail(span time.Duration) (index, rows int) {
	ticks := int((span + Tick - 1) / Tick)
	for index = range details {
		d := details[index]
		if rows = (ticks + d.ticks - 1) / d.ticks; rows <= d.rows {
			return index, rows
		}
	}
	return index, details[index].rows
}
