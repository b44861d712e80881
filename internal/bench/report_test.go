package main

import (
	"math"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	less := budget{Must: 2, Reach: reach(1.3)}
	more := budget{Must: 0.85, Reach: reach(0.95), AtLeast: true}
	for _, test := range []struct {
		budget   budget
		value    float64
		measured bool
		want     string
	}{
		{less, 1.2, true, reaches},
		{less, 1.3, true, reaches},
		{less, 2, true, meets},
		{less, 2.1, true, misses},
		{less, 0, false, unknown},
		{more, 1.2, true, reaches},
		{more, 0.9, true, meets},
		{more, 0.8, true, misses},
		{budget{Must: 1}, 0.1, true, meets},
	} {
		got := test.budget.judge(test.value, test.measured)
		if got.Verdict != test.want || (got.Got != nil) != test.measured {
			t.Errorf("%+v of %v: %s, want %s", test.budget, test.value, got.Verdict, test.want)
		}
	}
}

// TestBudgetsNameParts finds budgets that could never be measured.
func TestBudgetsNameParts(t *testing.T) {
	t.Parallel()
	for _, b := range budgets() {
		if !strings.Contains(strings.Join(partNames(), " "), b.part) || b.way == "" || b.figure == "" {
			t.Errorf("%s: no such figure: %s, %s, %s", b.What, b.part, b.way, b.figure)
		}
	}
}

func TestReportText(t *testing.T) {
	t.Parallel()
	var r report
	r.about("a machine")
	r.title("echo", "keys")
	r.add("echo", wayBare, "p50", unitMicros, 61.4)
	r.add("echo", wayBare, "p99", unitMicros, math.NaN())
	r.add("echo", wayCP, "p50", unitMicros, 160)
	r.add("echo", wayCP, "× ttyd", unitRatio, 1.5)
	r.note("a note")
	r.finish()
	text := r.text()
	for _, want := range []string{
		"Convoy's benchmark: a machine\n\nkeys\n",
		"              p50, µs  × ttyd\n",
		"    bare pty       61        \n",
		"    convoy        160    1.50\n",
		"≤ 2 ×   ≤ 1.3 ×  1.50 ×        within",
		"not measured",
		"note: a note\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "p99") {
		t.Errorf("what was not measured is shown:\n%s", text)
	}
}

func TestReportJSON(t *testing.T) {
	t.Parallel()
	var r report
	r.add("echo", wayCP, "× ttyd", unitRatio, 1.5)
	r.finish()
	var out strings.Builder
	if err := r.print(&out, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"value": 1.5`, `"got": 1.5`, `"verdict": "within"`, `"got": null`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in:\n%s", want, out.String())
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value float64
		unit  string
		want  string
	}{
		{161.7, unitMicros, "162"},
		{51.26, unitMillis, "51.3"},
		{0.318, unitMillis, "0.32"},
		{1.026, unitRatio, "1.03"},
		{0.364, unitPercent, "0.36"},
		{40, "", "40"},
	} {
		if got := number(test.value, test.unit); got != test.want {
			t.Errorf("number(%v, %q) = %q, want %q", test.value, test.unit, got, test.want)
		}
	}
}
