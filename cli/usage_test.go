package cli

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
	"convoy/version"
)

var update = flag.Bool("update", false, "write testdata")

// TestUsage compares each usage text with its file: go test ./cli -run TestUsage -update writes the files.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, cmd := range commands() {
		if cmd.page() == "" {
			continue
		}
		args := append(strings.Fields(cmd.name), "-h")
		status, out, bad := ask(t, nil, args...)
		if status != 0 || bad != "" {
			t.Errorf("%q: status %d, %q", args, status, bad)
		}
		file := filepath.Join("testdata", strings.Join(append([]string{"convoy"}, args...), "_")+".txt")
		if *update {
			testkit.Must(t, os.WriteFile(file, []byte(out), 0o600))
		}
		want, err := os.ReadFile(file)
		testkit.Must(t, err)
		if out != string(want) {
			t.Errorf("%q does not print %s:\n%s", args, file, out)
		}
		for line := range strings.Lines(out) {
			if len(line) > usageColumns+1 { // with its newline
				t.Errorf("%q prints a line of %d letters: %s", args, len(line)-1, line)
			}
		}
	}
}

// TestUsage_Aliases shows which other arguments print a usage text.
func TestUsage_Aliases(t *testing.T) {
	t.Parallel()
	for args, page := range map[string]string{
		"--help":                 "",
		"-addr :1 -help":         "",
		"help":                   "",
		"help user":              "user",
		"help railway check":     "railway",
		"cookie -h":              "cookie",
		"health -h":              "health",
		"railway -h":             "railway",
		"railway check -h":       "railway",
		"version -h":             "version",
		"audit verify -h":        "audit",
		"audit tail -n 1 --help": "audit",
		"user list -h":           "user",
		"shell -json -h":         "shell",
		"completion -h":          "completion",
	} {
		_, want, _ := ask(t, nil, append(strings.Fields(page), "-h")...)
		status, out, bad := ask(t, nil, strings.Fields(args)...)
		if status != 0 || out != want || bad != "" {
			t.Errorf("%s: status %d, %q, %q", args, status, out, bad)
		}
	}
}

// TestErrors compares what wrong arguments print with a file, which TestUsage's flag writes.
func TestErrors(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, test := range badFlags {
		for _, name := range slices.Sorted(maps.Keys(test.env)) {
			fmt.Fprintf(&all, "%s=%s ", name, test.env[name])
		}
		_, _, bad := ask(t, test.env, test.args...)
		fmt.Fprintf(&all, "%s\n%s\n", strings.Join(append([]string{"convoy"}, test.args...), " "), bad)
	}
	const file = "testdata/errors.txt"
	if *update {
		testkit.Must(t, os.WriteFile(file, []byte(all.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	testkit.Must(t, err)
	if all.String() != string(want) {
		t.Errorf("the errors are not those of %s:\n%s", file, all.String())
	}
}

// TestVersion shows which arguments print the version.
func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"version", "-v", "-version", "--version"} {
		if status, out, bad := ask(t, nil, args); status != 0 || out != "convoy "+version.String()+"\n" || bad != "" {
			t.Errorf("%s: status %d, %q, %q", args, status, out, bad)
		}
	}
}

// TestUsage_README compares the table of settings in README.md with the flags and their defaults.
func TestUsage_README(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../README.md")
	testkit.Must(t, err)
	set := newFlagSet("", commands()[0].groups...)
	rows := regexp.MustCompile("(?m)^\\| `-([a-z-]+) (\\S+)` \\|").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 5 {
		t.Fatalf("only %d flags", len(rows))
	}
	for _, row := range rows {
		f := set.Lookup(row[1])
		if f == nil {
			t.Errorf("README.md has a flag -%s, which does not exist", row[1])
			continue
		}
		if placeholder, _ := describe(f); row[2] != f.DefValue && row[2] != placeholder {
			t.Errorf("README.md has -%s %s, whose default is %s", row[1], row[2], f.DefValue)
		}
	}
}

func TestCookie(t *testing.T) {
	t.Parallel()
	status, out, _ := ask(t, nil, "cookie")
	if status != 0 || len(strings.TrimSpace(out)) < 32 {
		t.Errorf("status %d, %q", status, out)
	}
}
