package main

import (
	"math"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	less := budget{Must: 2}.reaching(1.3)
	more := budget{Must: 0.85, AtLeast: true}.reaching(0.95)
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

// TestGate fails a run for each missed must, and for having measured nothing; not for a missed reach, and not for what
// this machine cannot measure.
func TestGate(t *testing.T) {
	t.Parallel()
	must := budget{What: "echo", Unit: unitMillis, Must: 2}.reaching(1)
	atLeast := budget{What: "bulk", Unit: unitRate, Must: 300, AtLeast: true}
	for _, test := range []struct {
		name    string
		budgets []budget
		want    string // in the error; none if empty
	}{
		{"reached", []budget{must.judge(1, true)}, ""},
		{"within", []budget{must.judge(2, true), atLeast.judge(300, true)}, ""},
		{"partly measured", []budget{must.judge(2, true), atLeast.judge(0, false)}, ""},
		{"missed", []budget{must.judge(2.5, true), atLeast.judge(0, false)},
			"1 of 1 budgets missed:\n  echo: 2.50 ms, must be ≤ 2 ms"},
		{"missed from below", []budget{must.judge(1, true), atLeast.judge(299, true)},
			"1 of 2 budgets missed:\n  bulk: 299.0 MB/s, must be ≥ 300 MB/s"},
		{"both missed", []budget{must.judge(3, true), atLeast.judge(1, true)}, "2 of 2"},
		{"nothing measured", []budget{must.judge(0, false)}, "no budget was measured"},
		{"no budgets", nil, "no budget was measured"},
	} {
		err := gate(test.budgets)
		if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
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
	r.About, r.Titles = "a machine", map[string]string{"echo": "keys"}
	r.add("echo", wayBare, "p50", unitMicros, 61.4)
	r.add("echo", wayBare, "p99", unitMicros, math.NaN())
	r.add("echo", wayCP, "p50", unitMicros, 160)
	r.add("echo", wayCP, "× ttyd", unitRatio, 1.8)
	r.note("a note")
	r.finish()
	text := r.text()
	for _, want := range []string{
		"Convoy's benchmark: a machine\n\nkeys\n",
		"              p50, µs  × ttyd\n",
		"    bare pty       61        \n",
		"    convoy        160    1.80\n",
		"≤ 2 ×            ≤ 1.6 ×  1.80 ×        within",
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
	r.add("echo", wayCP, "× ttyd", unitRatio, 1.8)
	r.finish()
	var out strings.Builder
	if err := r.print(&out, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"value": 1.8`, `"got": 1.8`, `"verdict": "within"`, `"got": null`} {
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
