package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// TestDocs_Arrows compares the table of packages in docs/architecture.md with the rows that TestArrows keeps.
func TestDocs_Arrows(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]string{}
	aside := regexp.MustCompile(` \(.*\)|,`)
	lines := regexp.MustCompile("(?m)^\\| (`.*`) \\| .* \\| (.*) \\|$")
	for _, line := range lines.FindAllStringSubmatch(string(text), -1) {
		for _, pkg := range regexp.MustCompile("`(.*?)…?`").FindAllStringSubmatch(line[1], -1) {
			drawn[pkg[1]] = aside.ReplaceAllString(line[2], "")
		}
	}
	for _, one := range rows {
		got, want := strings.Fields(drawn[one.pkg]), strings.Fields(one.may)
		switch one.may {
		case "":
			want = []string{"none"}
		case "*":
			want = []string{"anything"}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("docs/architecture.md says that %s imports %q; it may import %q", one.pkg, got, want)
		}
	}
}

// TestDocs_NamedTestsExist keeps the pages in docs/ from naming tests that are gone. A name that ends in * or _ means
// all tests that begin with it.
func TestDocs_NamedTestsExist(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	testkit.Must(t, err)
	declared := declaredTests(t)
	count := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		testkit.Must(t, err)
		for _, match := range regexp.MustCompile("`((?:Test|Fuzz)\\w*\\*?)`").FindAllStringSubmatch(string(text), -1) {
			count++
			if name := match[1]; !declared[name] && !declaresPrefix(declared, name) {
				t.Errorf("%s names %s, which no test file declares", page, name)
			}
		}
	}
	if count < 150 {
		t.Fatalf("only %d tests are named", count)
	}
}

// declaredTests are the tests and fuzz tests of all packages, whatever their build tags.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*)\(`)
	declared := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata" || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, match := range declaration.FindAllStringSubmatch(string(text), -1) {
			declared[match[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

// declaresPrefix reports whether a name is a prefix, and some declared test begins with it.
func declaresPrefix(declared map[string]bool, name string) bool {
	prefix, star := strings.CutSuffix(name, "*")
	if !star && !strings.HasSuffix(name, "_") {
		return false
	}
	for test := range declared {
		if strings.HasPrefix(test, prefix) {
			return true
		}
	}
	return false
}
