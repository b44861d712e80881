package railway

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/railwaytest"
)

const measuredName = "convoy@convoy-aaaa.railway.internal"

// measured adds a service that runs for ten minutes, and then crashes.
func (k *kit) measured() {
	k.t.Helper()
	k.s.AddService("convoy-aaaa", marked(nil))
	k.s.Deploy("convoy-aaaa")
	pass(10 * time.Minute)
	k.s.Set("convoy-aaaa", railwaytest.Stage{Status: "CRASHED"})
	pass(2 * time.Minute)
}

// known are the indexes of the known values: the first, the last, and how many.
func known(values []float32) (first, last, count int) {
	first, last = -1, -1
	for i, v := range values {
		if v == v { // not NaN
			if first < 0 {
				first = i
			}
			last = i
			count++
		}
	}
	return first, last, count
}

// TestUsage: Railway's values of a node that has crashed, up to the crash, in the units of the fleet.
func TestUsage(t *testing.T) {
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.measured()
		for span, want := range map[time.Duration]struct {
			step          time.Duration
			values, first int
			last          int // before the newest
		}{
			15 * time.Minute: {30 * time.Second, 30, 6, 4},
			time.Hour:        {30 * time.Second, 120, 96, 4},
			6 * time.Hour:    {time.Minute, 360, 348, 2},
			24 * time.Hour:   {4 * time.Minute, 360, 357, 0},
		} {
			u, err := k.p.Usage(t.Context(), measuredName, span)
			if err != nil {
				t.Fatal(err)
			}
			first, last, count := known(u.CPU)
			near := func(i, want int) bool { return i >= want-1 && i <= want+1 }
			if u.Step != want.step || len(u.CPU) != want.values || count != last-first+1 || !near(first, want.first) ||
				!near(last, want.values-1-want.last) {
				t.Errorf("%v: step %v, %d values, known are %d from %d to %d, want from %d to %d", span, u.Step, len(u.CPU), count,
					first, last, want.first, want.values-1-want.last)
			}
			if u.CPU[last] != 0.25 || u.Memory[last] != 1<<29 || u.CPULimit != 2 || u.MemoryLimit != 1<<30 {
				t.Errorf("%v: %v cores, %v bytes, of %v, %v", span, u.CPU[last], u.Memory[last], u.CPULimit, u.MemoryLimit)
			}
			if math.Abs(float64(u.Received[last])-0.001*(1<<30)) > 1 || math.Abs(float64(u.Sent[last])-0.002*(1<<30)) > 1 {
				t.Errorf("%v: received %v, sent %v", span, u.Received[last], u.Sent[last])
			}
			if age := time.Since(u.At); age < 0 || age >= time.Second {
				t.Errorf("%v: ends %v ago", span, age)
			}
		}
	})
}

// TestUsage_Series: values outside the span, and impossible ones, are left out.
func TestUsage_Series(t *testing.T) {
	since := time.Unix(1_000_000, 0)
	at := func(s int, v float64) metricValue { return metricValue{Ts: 1_000_000 + s, Value: v} }
	m := metricFields{Values: []metricValue{
		at(-1, 9), at(0, 1), at(29, 2), at(60, -3), at(70, 1e300), at(90, 4), at(91, 9),
	}}
	got := m.series(since, 90*time.Second, 30*time.Second, 10)
	if len(got) != 3 || got[0] != 20 || got[1] == got[1] || got[2] != 40 {
		t.Errorf("series is %v, want 20, NaN, 40", got)
	}
	if last := (metricFields{Values: []metricValue{at(2, 5), at(1, 7), at(3, -1)}}).last(); last != 5 {
		t.Errorf("last is %v, want 5", last)
	}
}

// TestUsage_AskedRarely: answers are used again, for everyone, and there is a limit for all nodes together.
func TestUsage_AskedRarely(t *testing.T) {
	inBubble(t, railwaytest.Options{Plan: "free"}, nil, func(t *testing.T, k *kit) {
		k.measured()
		ask := func(span time.Duration) (fleet.Usage, error) { return k.p.Usage(t.Context(), measuredName, span) }
		first, err := ask(time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if again, err := ask(time.Hour); err != nil || !again.At.Equal(first.At) {
				t.Fatalf("asked again at once: of %v, %v, want that of %v", again.At, err, first.At)
			}
		}
		if n := k.s.Count("serviceMetrics"); n != 1 {
			t.Errorf("asked Railway %d times, want once", n)
		}
		for range 4 * 60 { // a page asks four times a minute
			pass(15 * time.Second)
			if _, err := ask(time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		if n := k.s.Count("serviceMetrics"); n < 8 || n > 11 {
			t.Errorf("asked Railway %d times in an hour, want about 10", n)
		}
	})
	inBubble(t, railwaytest.Options{Plan: "free"}, nil, func(t *testing.T, k *kit) {
		k.measured()
		for i := range 20 { // of different spans: none can be used again
			_, err := k.p.Usage(t.Context(), measuredName, time.Duration(i+1)*time.Hour)
			if refused := errors.Is(err, fleet.ErrUnavailable); refused != (i >= 10) {
				t.Errorf("question %d: %v", i+1, err)
			}
		}
		pass(30 * time.Minute) // an older answer is better than none
		if u, err := k.p.Usage(t.Context(), measuredName, time.Hour); err != nil || time.Since(u.At) < 30*time.Minute {
			t.Errorf("an older answer: of %v, %v", u.At, err)
		}
		pass(31 * time.Minute)
		if u, err := k.p.Usage(t.Context(), measuredName, time.Hour); err != nil || time.Since(u.At) >= time.Second {
			t.Errorf("an hour later: of %v, %v", u.At, err)
		}
		if n := k.s.Count("serviceMetrics"); n != 11 {
			t.Errorf("asked Railway %d times, want 11", n)
		}
	})
}

// TestUsage_CallerLeaves: the answer that a caller did not wait for is used for the next one.
func TestUsage_CallerLeaves(t *testing.T) {
	inBubble(t, railwaytest.Options{Plan: "free"}, nil, func(t *testing.T, k *kit) {
		k.measured()
		leaving, leave := context.WithCancel(t.Context())
		k.s.Fail("serviceMetrics", railwaytest.Fault{Act: true, Hook: leave})
		k.p.Usage(leaving, measuredName, time.Hour) //nolint:errcheck // nobody waits for it
		if _, err := k.p.Usage(t.Context(), measuredName, time.Hour); err != nil {
			t.Error(err)
		}
		if asked := k.s.Count("serviceMetrics"); asked != 1 {
			t.Errorf("asked Railway %d times, want once", asked)
		}
	})
}

// TestUsage_Refused: each reason is a sentence, and Railway is not asked again at once.
func TestUsage_Refused(t *testing.T) {
	for _, test := range []struct {
		fault railwaytest.Fault
		tries int
		says  string
	}{
		{railwaytest.Fault{Message: "Not Authorized"}, 1, "the Railway token may not read the node's metrics"},
		{railwaytest.Fault{Message: "Problem processing request"}, 1, "Railway has no metrics of the node"},
		{railwaytest.Fault{Status: http.StatusBadRequest, Body: "<p>no</p>"}, queryTries, "Railway's API is not available"},
	} {
		inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
			k.measured()
			k.s.Fail("serviceMetrics", slices.Repeat([]railwaytest.Fault{test.fault}, test.tries)...)
			for range 2 {
				_, err := k.p.Usage(t.Context(), measuredName, time.Hour)
				if !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%+v: %v, want %q", test.fault, err, test.says)
				}
			}
			if asked := k.s.Count("serviceMetrics"); asked != test.tries {
				t.Errorf("%+v: asked Railway %d times, want %d", test.fault, asked, test.tries)
			}
			pass(time.Minute)
			if _, err := k.p.Usage(t.Context(), measuredName, time.Hour); err != nil {
				t.Errorf("a minute later: %v", err)
			}
		})
	}
	inBubble(t, railwaytest.Options{}, nil, func(t *testing.T, k *kit) {
		k.measured()
		for _, name := range []string{"convoy@convoy-bbbb.railway.internal", "convoy@elsewhere.test", ""} {
			if _, err := k.p.Usage(t.Context(), name, time.Hour); !errors.Is(err, fleet.ErrNoProvider) {
				t.Errorf("of %q: %v, want ErrNoProvider", name, err)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		k.p.usages.turn <- struct{}{} // someone asks, and Railway does not answer
		if _, err := k.p.Usage(ended, measuredName, time.Hour); !errors.Is(err, fleet.ErrUnavailable) {
			t.Errorf("behind another question: %v, want ErrUnavailable", err)
		}
		<-k.p.usages.turn
		k.s.Revoke()
		k.p.prove(t.Context())
		if _, err := k.p.Usage(t.Context(), measuredName, time.Hour); err == nil ||
			!strings.Contains(err.Error(), "Railway does not know the token") {
			t.Errorf("without a token: %v", err)
		}
	})
}
