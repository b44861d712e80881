package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Rows of the part.
const (
	rowSampler = "statistics of a node with three shells"
	rowTable   = "cards and table of 100 nodes, three changes a second"
	rowText    = "states of shells, of the output of a cat"
	rowBuild   = "states of shells, of lines that report progress"
)

// measureGlance runs benchmarks of packages, which measure what no request can tell apart: what a node spends on
// statistics, on the list of nodes, and on what shells do.
func measureGlance(ctx context.Context, b *bench) error {
	for _, one := range []struct{ row, dir, name, unit string }{
		{rowSampler, "stats", "BenchmarkSampler_ThreeShells", "%-of-a-core"},
		{rowTable, "handlers/live", "BenchmarkFleetPage_Second", "CPU-ms/s"},
	} {
		out, err := b.place.goTest(ctx, one.dir, "-bench", "^"+one.name+"$")
		if err != nil {
			return err
		}
		value, err := found(out, `([0-9.e+-]+) `+regexp.QuoteMeta(one.unit))
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		if one.unit == "CPU-ms/s" { // ms a second are tenths of a percent
			b.report.add("glance", one.row, "CPU, ms/s", "", value)
			value /= 10
		}
		b.report.add("glance", one.row, "CPU", unitPercent, value)
	}
	for _, one := range []struct{ row, name string }{
		{rowText, "BenchmarkFollowTyping"}, {rowBuild, "BenchmarkFollowBuild"},
	} {
		share, err := b.shareOfStates(ctx, one.name)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		b.report.add("glance", one.row, "of the shell's CPU", "%", share)
	}
	return nil
}

// shareOfStates profiles a shell with output and one viewer, and returns the percentage of its CPU time that is spent
// in the files that work out what it does. Two runs, with and without them, differ more by chance.
func (b *bench) shareOfStates(ctx context.Context, benchmark string) (float64, error) {
	profile := b.place.path("profile")
	if _, err := b.place.goTest(ctx, "pty", "-bench", "^"+benchmark+"$", "-benchtime", "3s",
		"-cpuprofile", profile, "-o", b.place.path("pty.test")); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=0", "-nodefraction=0",
		"-focus", `/pty/state\.go|/pty/screen/signal\.go`, profile)
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("go tool pprof: %w", err)
	}
	return found(out, `(?m)^Showing nodes accounting for [^,]+, ([0-9.]+)% of`)
}

// found is the number in the text that a regular expression describes.
func found(text []byte, expression string) (float64, error) {
	match := regexp.MustCompile(expression).FindSubmatch(text)
	if match == nil {
		return 0, fmt.Errorf("no %s in:\n%s", expression, text)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}

// goTest runs benchmarks of a package of this module.
func (p *place) goTest(ctx context.Context, dir string, args ...string) ([]byte, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-run", "^$"}, append(args, "./"+dir)...)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go %s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, bytes.TrimSpace(out))
	}
	return out, err
}

// moduleRoot is the directory of the module that the current directory is in.
func moduleRoot(ctx context.Context) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(mod))), nil
}
