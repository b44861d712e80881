package stats

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// known are the values of v that are not NaN.
func known(v []float32) (list []float64) {
	for _, one := range v {
		if one == one {
			list = append(list, float64(one))
		}
	}
	return list
}

// checkRow compares a coarse value with the samples that it was made of.
func checkRow(t *testing.T, got float32, of []float32, peak bool) {
	t.Helper()
	list := known(of)
	if len(list) == 0 {
		if got == got {
			t.Errorf("%v of unknown values", got)
		}
		return
	}
	sum, most := 0.0, list[0]
	for _, v := range list {
		sum, most = sum+v, max(most, v)
	}
	want := sum / float64(len(list))
	if peak {
		want = most
	}
	if math.Abs(float64(got)-want) > 1e-3 {
		t.Errorf("%v of %v, want %v", got, of, want)
	}
}

// Whatever is sampled, with gaps and for however long: each level has the newest rows, each is the mean or the maximum
// of its samples, and no level has more rows than it may.
func TestHistory_Downsampling(t *testing.T) {
	t.Parallel()
	for range 40 {
		random := rand.New(rand.NewPCG(rand.Uint64(), 1))
		count := 1 + random.IntN(3*details[0].rows)
		if random.IntN(4) == 0 {
			count = 20_000 // more than a day
		}
		h, first := newHistory([]bool{false, true}), int64(random.IntN(1000))
		var all [2][]float32
		for i := range count {
			row := []float32{random.Float32() * 100, random.Float32() * 100}
			for c := range row {
				if random.IntN(5) == 0 {
					row[c] = float32(math.NaN())
				}
				all[c] = append(all[c], row[c])
			}
			h.add(first+int64(i), row)
		}
		for level, d := range details {
			for c := range all {
				checkLevel(t, h.levels[level].column(c, 2, math.MaxInt), all[c], first, d.ticks, d.rows, c == 1)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// The newest value of a coarse level is made of the ticks so far.
func TestHistory_Newest(t *testing.T) {
	t.Parallel()
	h := newHistory([]bool{false, true})
	for tick := int64(1); tick <= 200; tick++ {
		h.add(tick, []float32{float32(tick), float32(tick)})
		for index, d := range details {
			begun := (tick - 1) / int64(d.ticks) * int64(d.ticks) // ticks before the newest row
			mean, most := h.newest(tick, index, 0, 100), h.newest(tick, index, 1, 100)
			if want := float32(begun+1+tick) / 2; mean.Last() != float64(want) || most.Last() != float64(tick) {
				t.Fatalf("tick %d, level %d: %v, %v, want %v", tick, index, mean.Last(), most.Last(), want)
			}
			if rows := min(100, int(begun)/d.ticks+1); len(mean) != rows || len(h.newest(tick, index, 0, 0)) != 0 {
				t.Fatalf("tick %d, level %d: %d values, want %d", tick, index, len(mean), rows)
			}
		}
	}
}

func checkLevel(t *testing.T, got, all []float32, first int64, ticks, rows int, peak bool) {
	t.Helper()
	var want [][]float32 // the samples of each row
	for i := range all {
		if (first+int64(i))%int64(ticks) == 0 {
			want = append(want, all[max(0, i-ticks+1):i+1])
		}
	}
	want = want[max(0, len(want)-rows):]
	if len(got) != len(want) {
		t.Fatalf("%d rows of %d ticks, want %d", len(got), ticks, len(want))
	}
	for i, of := range want {
		checkRow(t, got[i], of, peak)
	}
}

func TestDetail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		span        time.Duration
		index, rows int
	}{
		{0, 0, 0}, {Tick, 0, 1}, {15 * time.Minute, 0, 180}, {15*time.Minute + 1, 1, 16}, {time.Hour, 1, 60},
		{6 * time.Hour, 1, 360}, {24 * time.Hour, 2, 288}, {1000 * time.Hour, 2, 288},
	} {
		if index, rows := detail(c.span); index != c.index || rows != c.rows {
			t.Errorf("%v: level %d, %d rows; want %d, %d", c.span, index, rows, c.index, c.rows)
		}
	}
}

// A node with as many shells as have a history, after a day, takes less than 1 MiB.
func TestHistory_Memory(t *testing.T) {
	t.Parallel()
	s, bytes := New(Config{}), 0
	all := []*history{s.node}
	for range maxShells {
		all = append(all, newHistory(make([]bool, len(shellSeries))))
	}
	for _, h := range all {
		for tick := range int64(20_000) {
			h.add(tick, unknownRow[:len(h.peaks)])
		}
		for _, l := range h.levels {
			bytes += cap(l.values) * 4
		}
	}
	if bytes > 1<<20 {
		t.Errorf("%d bytes", bytes)
	}
}
