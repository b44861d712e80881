package chart

import (
	"fmt"
	"math"
	"strconv"

	"convoy/templates"
)

// Unit is what numbers count.
type Unit struct {
	suffix string
	base   float64 // 1024: with a prefix for each power of it
	least  float64 // the least that an axis shows
}

// The units of charts.
var (
	Cores   = Unit{" cores", 0, 0.1}
	Bytes   = Unit{"B", 1024, 1024}
	Rate    = Unit{"B/s", 1024, 1024}
	Percent = Unit{" %", 0, 10}
	Number  = Unit{"", 0, 1}
)

// Text is a number with its unit, "–" if it is not known.
func (u Unit) Text(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	if u.base == 0 {
		if u == Cores && short(v) == "1" {
			return "1 core"
		}
		return short(v) + u.suffix
	}
	power := 0
	for ; math.Round(v) >= u.base && power < 5; power++ {
		v /= u.base
	}
	if power == 0 {
		return fmt.Sprintf("%.0f %s", v, u.suffix)
	}
	return fmt.Sprintf("%s %ci%s", short(v), "KMGTP"[power-1], u.suffix)
}

// short is a number with two digits after the point if it is small, and none if it is large.
func short(v float64) string {
	digits := 0
	switch {
	case math.Abs(v) < 9.995:
		digits = 2
	case math.Abs(v) < 99.95:
		digits = 1
	}
	scale := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}

// axis is a y axis from 0 to top.
type axis struct{ top, step float64 }

// newAxis is an axis for values up to peak, with labels at round numbers. It includes the limit if that is near.
func newAxis(u Unit, peak, limit float64) axis {
	most := max(peak, u.least)
	if limit > 0 && limit <= 4*most {
		most = max(most, limit)
	}
	unit := 1.0
	if u.base > 0 {
		for ; most/unit >= u.base; unit *= u.base {
		}
	}
	step := unit * round(most/unit/4)
	return axis{step * math.Ceil(most/step-1e-9), step}
}

// round is the next 1, 2 or 5, with zeros.
func round(v float64) float64 {
	power := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, digit := range []float64{1, 2, 5} {
		if v <= digit*power*1.0001 {
			return digit * power
		}
	}
	return 10 * power
}

// levels are the labels of the axis. The lowest line is 0, without a label over the lines.
func (a axis) levels(u Unit) []templates.ChartMark {
	list := []templates.ChartMark{{At: a.at(0)}}
	for v := a.step; v <= a.top*1.001; v += a.step {
		list = append(list, templates.ChartMark{At: a.at(v), Text: u.Text(v)})
	}
	return list
}

// mark is the label of a limit, nil if it is not on the axis.
func (a axis) mark(u Unit, limit float64) *templates.ChartMark {
	if limit <= 0 || limit > a.top {
		return nil
	}
	return &templates.ChartMark{At: a.at(limit), Text: "limit " + u.Text(limit)}
}

// at is the height of a value.
func (a axis) at(v float64) string { return percent(top + high*(1-v/a.top)) }
