// Package chart draws numbers over time: as small pictures for cards, and as charts with axes and a table.
package chart

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"convoy/stats"
	"convoy/templates"
)

// Line is a line of a chart. Its values end now, one for each step.
type Line struct {
	Name   string
	Values stats.Values
	Hue    int    // 0 to 9
	Dash   int    // 0: a solid line; 1, 2: dashes
	Peak   bool   // several values become their maximum
	Link   string // what it is about, below the console; may be empty
}

// Options are what a chart shows.
type Options struct {
	ID, Title  string
	Unit       Unit
	Limit      float64 // 0: none
	Span, Step time.Duration
	Lines      []Line
	Each       string // what a line is about, as a word for the table of many
	Missing    string // why values are not known; empty: there may be some
}

const (
	maxPoints  = 1440 // of all lines, but each has at least minPoints and at most linePoints
	linePoints = 180
	minPoints  = 60
	maxMoments = 48
	maxRows    = 15
	maxColumns = 4 // of a table with a row for each part of the time
	mostNamed  = 5 // lines in the text of a moment
	coloured   = 8 // lines of a chart with many: the highest ones

	top, high = 9.0, 77.0 // of the lines' box, in percent of the picture
)

// New draws a chart.
func New(o Options) templates.Chart {
	o.Step = max(o.Step, time.Second) // it may come from another node
	c := templates.Chart{ID: o.ID, Title: o.Title, Missing: o.Missing}
	total, peak := max(1, int(o.Span/o.Step)), 0.0
	for i := range o.Lines {
		o.Lines[i].Values = pad(o.Lines[i].Values, total)
		peak = max(peak, o.Lines[i].Values.Max())
	}
	if c.Missing == "" && !slices.ContainsFunc(o.Lines, func(l Line) bool { return !math.IsInf(l.Values.Max(), -1) }) {
		c.Missing = "No values yet. The first ones arrive in a few seconds."
	}
	if c.Missing != "" {
		return c
	}
	axis := newAxis(o.Unit, peak, o.Limit)
	c.Levels, c.Limit = axis.levels(o.Unit), axis.mark(o.Unit, o.Limit)
	c.Times = times(o.Span)
	if c.Others = max(0, len(o.Lines)-coloured); c.Others > 0 {
		slices.SortStableFunc(o.Lines, func(a, b Line) int { return cmp.Compare(b.Values.Max(), a.Values.Max()) })
	}
	c.Lines = o.lines(total, axis.top)
	c.Moments, c.Label = o.moments(total), o.label(peak)
	if len(o.Lines) > maxColumns {
		c.Head, c.Rows = []string{o.Each, "Now", "Mean", "Highest"}, o.summary(total)
	} else {
		c.Head, c.Rows = o.rows()
	}
	return c
}

func (o Options) lines(total int, top float64) (list []templates.ChartLine) {
	most := min(linePoints, max(minPoints, maxPoints/len(o.Lines)))
	for _, l := range o.Lines {
		points := l.Values.Merge((total+most-1)/most, l.Peak)
		list = append(list, templates.ChartLine{
			Name: l.Name, Path: path(points, 1000, 100, top), Now: o.Unit.Text(l.Values.Last()), Hue: l.Hue, Dash: l.Dash,
			Link: l.Link,
		})
	}
	return list
}

// pad adds unknown values before those of a line, and leaves out what is too old.
func pad(v stats.Values, total int) stats.Values {
	all := make(stats.Values, max(0, total-len(v)), total)
	for i := range all {
		all[i] = float32(math.NaN())
	}
	return append(all, v[max(0, len(v)-total):]...)
}

// label is the chart in words.
func (o Options) label(peak float64) string {
	text := fmt.Sprintf("%s in the last %s: at most %s", o.Title, words(o.Span), o.Unit.Text(peak))
	if o.Limit > 0 {
		text += ", of " + o.Unit.Text(o.Limit)
	}
	return text + ". The table has the values."
}

// moments are what a pointer finds: parts of the time, with the highest lines there.
func (o Options) moments(total int) (list []templates.ChartMoment) {
	per := (total + maxMoments - 1) / maxMoments
	merged := o.merged(per)
	count := len(merged[0])
	width := 100 / float64(count)
	for i := range count {
		from := width * float64(i)
		m := templates.ChartMoment{
			From: percent(from), Width: percent(width), At: percent(from + width), Anchor: "start",
			Text: o.ago((count-1-i)*per, per),
		}
		if i > count/2 {
			m.At, m.Anchor = percent(from), "end"
		}
		for _, at := range highest(merged, i) {
			m.Lines = append(m.Lines, o.Lines[at].Name+" "+o.Unit.Text(float64(merged[at][i])))
		}
		list = append(list, m)
	}
	return list
}

// merged are the values of the lines, each of so many steps.
func (o Options) merged(per int) (all []stats.Values) {
	for _, l := range o.Lines {
		all = append(all, l.Values.Merge(per, l.Peak))
	}
	return all
}

// highest are the lines with a known value there: all in their order if they are few, else the highest ones.
func highest(all []stats.Values, at int) (lines []int) {
	for i, v := range all {
		if v[at] == v[at] { // not NaN
			lines = append(lines, i)
		}
	}
	if len(lines) > mostNamed {
		slices.SortStableFunc(lines, func(a, b int) int { return cmp.Compare(all[b][at], all[a][at]) })
		lines = lines[:mostNamed]
	}
	return lines
}

// summary is a table with a row for each line.
func (o Options) summary(total int) (list []templates.ChartRow) {
	for _, l := range o.Lines {
		mean, highest := l.Values.Merge(total, false).Last(), l.Values.Merge(total, true).Last()
		list = append(list, templates.ChartRow{Name: l.Name, Link: l.Link, Values: []string{
			o.Unit.Text(l.Values.Last()), o.Unit.Text(mean), o.Unit.Text(highest),
		}})
	}
	return list
}

// rows is a table with a row for each part of the time.
func (o Options) rows() (head []string, list []templates.ChartRow) {
	head = append(head, "When")
	for _, l := range o.Lines {
		head = append(head, l.Name)
	}
	per := o.perRow()
	merged := o.merged(per)
	count := len(merged[0])
	for i := count - 1; i >= 0; i-- {
		row := templates.ChartRow{Name: o.ago((count-1-i)*per, per)}
		for _, v := range merged {
			row.Values = append(row.Values, o.Unit.Text(float64(v[i])))
		}
		list = append(list, row)
	}
	return head, list
}

// perRow is how many steps a row of the table has: a round time.
func (o Options) perRow() int {
	for _, d := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute} {
		if o.Span <= maxRows*d {
			return max(1, int(d/o.Step))
		}
	}
	return int(2 * time.Hour / o.Step)
}

// ago is a part of the time that ended some steps before the newest values.
func (o Options) ago(steps, long int) string {
	from, to := words(time.Duration(steps+long)*o.Step), words(time.Duration(steps)*o.Step)
	if steps == 0 {
		return "last " + from
	}
	return to + " to " + from + " ago"
}

// words is a duration in the units that matter.
func words(d time.Duration) string {
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h > 0 && m > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case h > 0:
		return fmt.Sprintf("%d h", h)
	case m > 0 && s > 0:
		return fmt.Sprintf("%d min %d s", m, s)
	case m > 0:
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d s", s)
}

// times are the labels of the x axis: three parts of the time.
func times(span time.Duration) []templates.ChartMark {
	return []templates.ChartMark{
		{At: "0", Text: words(span) + " ago", Anchor: "start"},
		{At: percent(100.0 / 3), Text: words(span * 2 / 3), Anchor: "middle"},
		{At: percent(200.0 / 3), Text: words(span / 3), Anchor: "middle"},
		{At: "100", Text: "now", Anchor: "end"},
	}
}

func percent(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

// path is the line of values in a box, as the d of an SVG path. It has gaps where values are not known.
func path(values stats.Values, width, height int, most float64) string {
	var d []byte
	last, gap := [2]int{}, true
	for i, v := range values {
		if v != v { // NaN
			gap = true
			continue
		}
		at := [2]int{
			i * width / max(1, len(values)-1),
			height - int(math.Round(float64(height)*min(1, float64(v)/most))),
		}
		switch {
		case gap:
			d = fmt.Appendf(d, "M%d %d", at[0], at[1])
			if i == len(values)-1 || values[i+1] != values[i+1] {
				d = append(d, "h1"...) // a point alone
			}
		case at[1] == last[1]:
			d = fmt.Appendf(d, "h%d", at[0]-last[0])
		default:
			d = fmt.Appendf(d, "l%d %d", at[0]-last[0], at[1]-last[1])
		}
		last, gap = at, false
	}
	return string(d)
}

// SparkWidth and SparkHeight are the box of a small picture.
const (
	SparkWidth, SparkHeight = 88, 16
)

// Sparks draws the pictures of a card.
func Sparks(s stats.Spark) templates.Sparks {
	const points = 45
	one := func(name, short string, v stats.Values, limit float64, unit Unit) templates.Spark {
		v = pad(v, points)
		most := cmp.Or(limit, max(v.Max(), unit.least))
		spark := templates.Spark{Name: name, Short: short, Path: path(v, SparkWidth, SparkHeight, most), Limit: limit > 0}
		switch now := v.Last(); {
		case math.IsNaN(now):
			spark.Now = "–"
		case limit > 0 && now > 0 && now < limit/100:
			spark.Now = "<1 %"
		case limit > 0:
			spark.Now = Percent.Text(math.Round(100 * now / limit))
		default:
			spark.Now = unit.Text(now)
		}
		if now := v.Last(); !math.IsNaN(now) {
			spark.Value = strconv.FormatFloat(now/cmp.Or(limit, 1), 'g', 4, 64)
		}
		return spark
	}
	view := templates.Sparks{
		CPU: one("CPU", "CPU", s.CPU, s.Limits.CPU, Cores), Memory: one("Memory", "Mem", s.Memory, s.Limits.Memory, Bytes),
	}
	if len(s.CPU)+len(s.Memory) == 0 {
		return view
	}
	view.Title = map[string]string{"node": "This node's processes", "container": "The container"}[s.Scope]
	view.Title = cmp.Or(view.Title, "The machine") + " in the last 15 minutes"
	if s.Limits.CPU > 0 && s.Limits.Memory > 0 {
		view.Title += ": of " + Cores.Text(s.Limits.CPU) + ", " + Bytes.Text(s.Limits.Memory)
	}
	return view
}
