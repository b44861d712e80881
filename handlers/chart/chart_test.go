package chart

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"convoy/stats"
)

var nan = float32(math.NaN())

func TestUnit(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0.13 cores": Cores.Text(0.1251), "1 core": Cores.Text(1.001), "64 cores": Cores.Text(64),
		"–":   Cores.Text(math.NaN()),
		"0 B": Bytes.Text(0), "1023 B": Bytes.Text(1023), "1 KiB": Bytes.Text(1024), "1.5 GiB": Bytes.Text(1.5 * (1 << 30)),
		"1 MiB": Bytes.Text(1<<20 - 0.4), "12.3 MiB/s": Rate.Text(12.34 * (1 << 20)), "100 %": Percent.Text(99.96),
		"7.5": Number.Text(7.5),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// For any values, an axis reaches the highest one and has few labels with different texts, and lines stay in their box.
func TestNew_Any(t *testing.T) {
	t.Parallel()
	for range 200 {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		o := Options{
			Unit: []Unit{Cores, Bytes, Rate, Percent, Number}[random.IntN(5)], Span: 24 * time.Hour, Step: 5 * time.Minute,
			Limit: float64(random.IntN(2)) * math.Pow(10, random.Float64()*12),
		}
		scale, peak := math.Pow(10, random.Float64()*12-2), 0.0
		for range 1 + random.IntN(40) {
			values := make(stats.Values, random.IntN(400))
			for i := range values {
				if values[i] = float32(random.Float64() * scale); random.IntN(3) == 0 {
					values[i] = nan
				}
			}
			o.Lines = append(o.Lines, Line{Values: values})
			peak = max(peak, values[max(0, len(values)-288):].Max())
		}
		c := New(o)
		if c.Missing != "" {
			continue
		}
		texts := map[string]bool{}
		for _, l := range c.Levels {
			texts[l.Text] = true
		}
		if len(texts) != len(c.Levels) || len(texts) < 2 || len(texts) > 7 || newAxis(o.Unit, peak, o.Limit).top < peak {
			t.Fatalf("seed %d: levels %v for %v, limit %v", seed, c.Levels, peak, o.Limit)
		}
		for _, l := range c.Lines {
			checkPath(t, seed, l.Path)
		}
		if len(c.Moments) > maxMoments || len(c.Rows) > max(maxRows, len(o.Lines)) ||
			len(c.Rows[0].Values) != len(c.Head)-1 || len(c.Named()) > coloured {
			t.Fatalf("seed %d: %d moments, %d rows", seed, len(c.Moments), len(c.Rows))
		}
	}
}

var (
	step   = regexp.MustCompile(`[Mlh][^Mlh]*`)
	number = regexp.MustCompile(`-?\d+`)
)

// checkPath follows a path, which must stay in its box.
func checkPath(t *testing.T, seed uint64, path string) {
	t.Helper()
	x, y := 0, 0
	for _, part := range step.FindAllString(path, -1) {
		var n []int
		for _, one := range number.FindAllString(part, -1) {
			v, _ := strconv.Atoi(one) //nolint:errcheck // it is a number
			n = append(n, v)
		}
		switch part[0] {
		case 'M':
			x, y = n[0], n[1]
		case 'l':
			x, y = x+n[0], y+n[1]
		case 'h':
			x += n[0]
		}
		if x < 0 || x > 1001 || y < 0 || y > 100 {
			t.Fatalf("seed %d: %d, %d in %s", seed, x, y, path)
		}
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for want, values := range map[string]stats.Values{
		"M0 100l50 -50h50": {0, 1, 1}, "M0 0h1M100 50h1": {2, nan, 1}, "": {nan, nan}, "M50 0l50 0": nil,
	} {
		if got := path(values, 100, 100, 2); got != want && values != nil {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
}

// The pictures of a card are small for any values, with the limit, and say what they are about.
func TestSparks(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	s := stats.Spark{Limits: stats.Limits{CPU: 2, Memory: 1 << 30}, Scope: "container"}
	for range 45 {
		s.CPU = append(s.CPU, random.Float32()*2)
		s.Memory = append(s.Memory, random.Float32()*(1<<30))
	}
	view := Sparks(s)
	if bytes := len(fmt.Sprint(view)); bytes > 650 || !strings.Contains(view.Title, "container") || !view.CPU.Limit ||
		!strings.Contains(view.Title, "2 cores, 1 GiB") || !strings.HasSuffix(view.Memory.Now, " %") {
		t.Errorf("%d bytes: %+v", bytes, view)
	}
	s.CPU, s.Limits.CPU = stats.Values{0.001}, 2
	if view = Sparks(s); view.CPU.Now != "<1 %" {
		t.Errorf("little CPU: %q", view.CPU.Now)
	}
	if view = Sparks(stats.Spark{}); view.Title != "" {
		t.Errorf("of nothing: %+v", view)
	}
}

func TestNew_Missing(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"No values yet": {Span: time.Hour, Step: time.Minute, Lines: []Line{{Values: stats.Values{nan}}}},
		"No values":     {Span: time.Hour, Lines: []Line{{Values: stats.Values{nan}}}}, // a hostile node's step
		"not here":      {Span: time.Hour, Step: time.Minute, Missing: "not here"},
	} {
		if c := New(o); !strings.Contains(c.Missing, want) {
			t.Errorf("%q, want %q", c.Missing, want)
		}
	}
}
