package stats

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// MaxSpan is how far a report reaches back.
const MaxSpan = 24 * time.Hour

// Report is what a node used, as docs/protocol.md describes it.
type Report struct {
	At      time.Time                    `json:"at"`             // of the newest values
	Step    int                          `json:"step"`           // seconds between two values: 5, 60 or 300
	From    string                       `json:"from,omitempty"` // the provider that measured it; empty: the node
	Scope   string                       `json:"scope"`          // of cpu, memory and disk: container or machine
	Shared  bool                         `json:"shared"`         // other nodes run on the same machine
	Limits  Limits                       `json:"limits"`
	Latest  map[string]float64           `json:"latest"` // of the last sample: the values that are known, by series
	Series  map[string]Values            `json:"series"`
	Shells  map[string]map[string]Values `json:"shells,omitempty"`  // by id
	Unknown map[string]string            `json:"unknown,omitempty"` // by series: why it has no values
}

// Values are the values of a series, oldest first; NaN, null in JSON: not known. All series end at the same time; one
// that began later is shorter.
type Values []float32

// MarshalJSON writes four significant digits.
func (v Values) MarshalJSON() ([]byte, error) {
	text := append(make([]byte, 0, 8*len(v)+2), '[')
	for i, one := range v {
		if i > 0 {
			text = append(text, ',')
		}
		if math.IsNaN(float64(one)) || math.IsInf(float64(one), 0) {
			text = append(text, "null"...)
		} else {
			text = strconv.AppendFloat(text, float64(one), 'g', 4, 32)
		}
	}
	return append(text, ']'), nil
}

// UnmarshalJSON reads null as NaN.
func (v *Values) UnmarshalJSON(text []byte) error {
	var list []*float32
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*v = make(Values, len(list))
	for i, one := range list {
		if (*v)[i] = float32(math.NaN()); one != nil {
			(*v)[i] = *one
		}
	}
	return nil
}

// Merge makes one value of each per values, counted from the newest: the mean of the known ones, or their maximum.
func (v Values) Merge(per int, peak bool) Values {
	merged := make(Values, (len(v)+per-1)/per)
	for i := range merged {
		end := len(v) - per*(len(merged)-1-i)
		merged[i] = merge(v[max(0, end-per):end], peak)
	}
	return merged
}

// Max is the highest known value, -Inf without any.
func (v Values) Max() float64 {
	most := math.Inf(-1)
	for _, one := range v {
		if one == one { // not NaN
			most = max(most, float64(one))
		}
	}
	return most
}

// Last is the newest value, NaN without any.
func (v Values) Last() float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return float64(v[len(v)-1])
}

// Report is what the node used in the last span, up to MaxSpan, at the finest step that covers it; with its shells or
// without.
func (s *Sampler) Report(span time.Duration, shells bool) Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	index, rows := detail(span)
	report := Report{
		At:      s.at.UTC().Truncate(time.Second),
		Step:    details[index].ticks * int(Tick/time.Second),
		Scope:   s.scope,
		Shared:  s.cfg.Shared,
		Limits:  s.limits,
		Latest:  s.latest(),
		Series:  make(map[string]Values, seriesCount),
		Unknown: s.unknown,
	}
	for i, one := range series {
		report.Series[one.name] = s.node.newest(s.tick, index, i, rows)
	}
	if !shells {
		return report
	}
	report.Shells = make(map[string]map[string]Values, len(s.shells))
	for id, sh := range s.shells {
		one := map[string]Values{}
		for i, name := range shellSeries {
			one[name] = sh.newest(s.tick, index, i, rows)
		}
		report.Shells[id] = one
	}
	return report
}

// Latest are the newest values that are known, by name, and the limits.
func (s *Sampler) Latest() (values map[string]float64, limits Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest(), s.limits
}

// latest requires s.mu.
func (s *Sampler) latest() map[string]float64 {
	values := map[string]float64{}
	for i, one := range series {
		if v := float64(s.current[i]); !s.at.IsZero() && !math.IsNaN(v) {
			values[one.name] = v
		}
	}
	return values
}

// SparkTicks is how many samples become one value of a Spark.
const SparkTicks = 4

// Spark is what a card shows of a node: CPU and memory of the last 15 minutes, at most 45 values of each, those of the
// node's own processes if other nodes run on the machine.
type Spark struct {
	CPU    Values `json:"cpu"`    // cores
	Memory Values `json:"memory"` // bytes
	Limits Limits `json:"limits"`
	Scope  string `json:"scope"` // what they are about: container, machine or node
}

// Spark is the newest Spark.
func (s *Sampler) Spark() Spark {
	report := s.Report(15*time.Minute, false)
	spark := Spark{report.Series["cpu"], report.Series["memory"], report.Limits, report.Scope}
	if report.Shared && report.Scope == "machine" {
		spark.CPU, spark.Memory, spark.Scope = report.Series["node_cpu"], report.Series["node_memory"], "node"
	}
	spark.CPU, spark.Memory = spark.CPU.Merge(SparkTicks, false), spark.Memory.Merge(SparkTicks, false)
	return spark
}
