package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// decision is the head of a file in docs/decisions: its number, title, status and date.
var decision = regexp.MustCompile(
	`^# (\d+)\. (.+)\n\n- Status: (accepted|superseded by \d{4})\n- Date: (\d{4}-\d\d-\d\d)\n\n## Context\n`)

// TestDecisions_AreNumberedAndListed keeps each decision in the form that docs/decisions/README.md asks for, and in its
// list.
func TestDecisions_AreNumberedAndListed(t *testing.T) {
	t.Parallel()
	const dir = "../../docs/decisions/"
	index, err := os.ReadFile(dir + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(dir + "[0-9]*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no decisions: %v", err)
	}
	if rows := strings.Count(string(index), "\n| ["); rows != len(files) {
		t.Errorf("README.md lists %d decisions of %d", rows, len(files))
	}
	for i, path := range files {
		name := filepath.Base(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head := decision.FindStringSubmatch(string(text))
		if head == nil || head[1] != fmt.Sprint(i+1) || !strings.HasPrefix(name, fmt.Sprintf("%04d-", i+1)) {
			t.Errorf("%s: want number %d, a status, a date and a context, as the other files have", name, i+1)
			continue
		}
		row := fmt.Sprintf("| [%04d](%s) | %s | %s | %s |", i+1, name, head[2], head[3], head[4])
		if !strings.Contains(string(index), row) {
			t.Errorf("README.md lacks the row %s", row)
		}
	}
}

// TestDocs_LinksResolve finds links between Markdown files, and to pictures and code, that lead nowhere.
func TestDocs_LinksResolve(t *testing.T) {
	t.Parallel()
	pages := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		paths, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			pages++
			checkLinks(t, path)
		}
	}
	if pages < 50 {
		t.Errorf("only %d pages were looked at", pages)
	}
}

// checkLinks reports each relative link of a page to a file or a heading that does not exist.
func checkLinks(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(match[1], "://") {
			continue
		}
		file, anchor, _ := strings.Cut(match[1], "#")
		target := path
		if file != "" {
			target = filepath.Join(filepath.Dir(path), file)
		}
		linked, err := os.ReadFile(target)
		if err != nil || anchor != "" && !anchors(string(linked))[anchor] {
			t.Errorf("%s links to %s, which does not exist", path, match[1])
		}
	}
}

// anchors are the names that a forge gives the headings of a page.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		found[strings.ReplaceAll(plain, " ", "-")] = true
	}
	return found
}
