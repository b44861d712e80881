package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is a line of go test -json; go doc test2json describes it.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a package that is built
	Test       string // "" for the package as a whole
	Elapsed    float64
	Output     string
}

// name is a test's, or a package's with an empty test.
type name struct{ pkg, test string }

func (n name) String() string { return strings.TrimPrefix(n.pkg, "convoy/") + " " + n.test }

// timed is how long a test or a package took.
type timed struct {
	name
	seconds float64
}

// report gathers what several go test say.
type report struct {
	mu      sync.Mutex // a line is taken under it
	out     io.Writer
	all     bool // whether everything that tests print is shown
	started time.Time
	printed map[name][]string // by those that have not ended
	built   map[string][]string
	tests   []timed
	pkgs    []timed
	count   map[string]int // by pass, fail and skip
	skips   map[string]int // by reason
	failed  []name
	wholes  map[name]bool // tests that have parts
}

func newReport(out io.Writer, all bool) *report {
	return &report{
		out:     out,
		all:     all,
		started: time.Now(),
		printed: map[name][]string{},
		built:   map[string][]string{},
		count:   map[string]int{},
		skips:   map[string]int{},
		wholes:  map[name]bool{},
	}
}

// read takes events to the end. It may be called for several readers at once.
func (r *report) read(in io.Reader) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		r.line(lines.Bytes())
	}
}

func (r *report) line(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		fmt.Fprintf(r.out, "%s\n", text) // go itself has something to say
		return
	}
	r.take(e)
}

func (r *report) take(e event) {
	who := name{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.printed[who] = append(r.printed[who], e.Output)
		if r.all {
			fmt.Fprint(r.out, e.Output)
		}
	case "build-output":
		r.built[e.ImportPath] = append(r.built[e.ImportPath], e.Output)
	case "build-fail":
		fmt.Fprintf(r.out, "\n--- does not build: %s\n%s", e.ImportPath, strings.Join(r.built[e.ImportPath], ""))
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packageEnded(who, e)
		} else {
			r.testEnded(who, e)
		}
		delete(r.printed, who)
	}
}

func (r *report) testEnded(who name, e event) {
	r.count[e.Action]++
	r.tests = append(r.tests, timed{who, e.Elapsed})
	if i := strings.LastIndex(e.Test, "/"); i > 0 {
		r.wholes[name{e.Package, e.Test[:i]}] = true
	}
	switch e.Action {
	case "fail":
		r.fail(who)
	case "skip":
		r.skips[reason(r.printed[who])]++
	}
}

// fail shows what a test has printed.
func (r *report) fail(who name) {
	r.failed = append(r.failed, who)
	fmt.Fprintf(r.out, "\n--- FAIL: %s\n%s", who, strings.Join(said(r.printed[who]), ""))
}

func (r *report) packageEnded(who name, e event) {
	if e.Action == "skip" {
		return // it has no tests
	}
	r.pkgs = append(r.pkgs, timed{who, e.Elapsed})
	if e.Action == "pass" {
		fmt.Fprintf(r.out, "ok    %-28s %6.1fs\n", e.Package, e.Elapsed)
		return
	}
	failed := slices.ContainsFunc(r.failed, func(one name) bool { return one.pkg == e.Package })
	for _, unfinished := range slices.SortedFunc(keys(r.printed, e.Package),
		func(a, b name) int { return cmp.Compare(b.test, a.test) }) {
		if failed && unfinished.test == "" && len(said(r.printed[unfinished])) == 0 {
			continue // its tests have said it
		}
		r.count["fail"]++ // the process ended, or failed by itself
		r.fail(unfinished)
	}
	fmt.Fprintf(r.out, "FAIL  %-28s %6.1fs\n", e.Package, e.Elapsed)
}

// keys are those of a package.
func keys(printed map[name][]string, pkg string) func(func(name) bool) {
	return func(yield func(name) bool) {
		for who := range printed {
			if who.pkg == pkg && !yield(who) {
				return
			}
		}
	}
}

// said leaves out what go test says of each test.
func said(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		return strings.HasPrefix(line, "=== ") || strings.HasPrefix(strings.TrimLeft(line, " "), "--- ") ||
			strings.HasPrefix(line, "FAIL\t") || strings.HasPrefix(line, "exit status ") || line == "FAIL\n" || line == "PASS\n"
	})
}

// reason is why a test was skipped: the last thing that it said, without the place in the code.
func reason(lines []string) string {
	lines = said(lines)
	if len(lines) == 0 {
		return "no reason given"
	}
	last := strings.TrimSpace(lines[len(lines)-1])
	if _, text, ok := strings.Cut(last, ".go:"); ok {
		_, last, _ = strings.Cut(text, ": ")
	}
	return last
}

// slowest is how many tests the summary names.
const slowest = 10

// summary says where the time went, what was skipped, what failed, and how many there were.
func (r *report) summary() {
	r.tests = slices.DeleteFunc(r.tests, func(one timed) bool { return r.wholes[one.name] }) // their parts' times are told
	longest := func(a, b timed) int { return cmp.Compare(b.seconds, a.seconds) }
	slices.SortFunc(r.pkgs, longest)
	slices.SortFunc(r.tests, longest)
	fmt.Fprintln(r.out, "\nPackages that took longer than a second:")
	for _, one := range r.pkgs {
		if one.seconds > 1 {
			fmt.Fprintf(r.out, "%7.1fs  %s\n", one.seconds, one.pkg)
		}
	}
	fmt.Fprintln(r.out, "\nThe slowest tests, which may have run beside others:")
	for _, one := range r.tests[:min(slowest, len(r.tests))] {
		fmt.Fprintf(r.out, "%7.1fs  %s\n", one.seconds, one.name)
	}
	if len(r.skips) > 0 {
		fmt.Fprintln(r.out, "\nSkipped:")
		for _, why := range slices.Sorted(maps.Keys(r.skips)) {
			fmt.Fprintf(r.out, "%7d   %s\n", r.skips[why], why)
		}
	}
	if len(r.failed) > 0 {
		fmt.Fprintln(r.out, "\nFailed:")
		for _, who := range r.failed {
			fmt.Fprintf(r.out, "          %s\n", who)
		}
	}
	fmt.Fprintf(r.out, "\nTests took %v.\n", time.Since(r.started).Round(time.Second))
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.count["pass"], r.count["fail"], r.count["skip"])
}
