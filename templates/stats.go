package templates

import "time"

// Sparks are the small pictures on a card: what the node used recently.
type Sparks struct {
	CPU, Memory Spark
	Title       string // what they are about; empty: nothing is known yet
}

// Spark is one of them: a line in a box that is 88 wide and 16 high.
type Spark struct {
	Name  string
	Short string // of the name
	Path  string // of the line, as SVG has it
	Limit bool   // a limit is known; it is the upper edge
	Now   string // the newest value
	Value string // the same as a number: the part of the limit, or the amount without one; "": not known
}

// Stats is the page of what a node used, or the fleet.
type Stats struct {
	Page
	Of     Node   // without a name: the fleet
	Path   string // of the page, below the console's
	Range  string // the current one of Ranges
	Ranges []StatsRange
	Scope  string    // what the numbers are about, as a sentence
	Newest time.Time // of the newest values, after Scope; zero: now
	Charts []Chart
	Error  string   // why the node's own charts are missing
	Silent []Silent // nodes that do not answer
}

// StatsRange is a time that charts can show.
type StatsRange struct {
	Name, Label string
	Current     bool
}

// Chart is a picture of numbers over time, with their table. Positions are percentages of the picture.
type Chart struct {
	ID, Title string
	Label     string // the picture, in words
	Missing   string // why there is no picture
	Lines     []ChartLine
	Levels    []ChartMark // of the y axis
	Times     []ChartMark // of the x axis
	Limit     *ChartMark
	Moments   []ChartMoment
	Others    int        // lines without a colour, at the end of Lines; the legend has their number
	Head      []string   // of the table
	Rows      []ChartRow // a part of the time, the newest first; or a line, if there are many
}

// Named are the lines of the legend.
func (c Chart) Named() []ChartLine { return c.Lines[:len(c.Lines)-c.Others] }

// Backdrop are the other lines.
func (c Chart) Backdrop() []ChartLine { return c.Lines[len(c.Lines)-c.Others:] }

// ChartLine is a line in a box that is 1000 wide and 100 high.
type ChartLine struct {
	Name string
	Path string // of the line, as SVG has it
	Now  string // the newest value
	Hue  int    // 0 to 9
	Dash int    // 0: a solid line; 1, 2: dashes
	Link string // what the line is about, below the console; may be empty
}

// ChartMark is a label on an axis.
type ChartMark struct{ At, Text, Anchor string }

// ChartMoment is a part of the time, and what the lines show there.
type ChartMoment struct {
	From, Width, At, Anchor, Text string
	Lines                         []string
}

// ChartRow is a row of the table. Link is what it is about, below the console; it may be empty.
type ChartRow struct {
	Name, Link string
	Values     []string
}
