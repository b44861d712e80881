package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWords keeps the phrases of docs/style.md's word list out of everything that people read.
func TestWords(t *testing.T) {
	t.Parallel()
	list := wordList(t)
	read := 0
	for _, text := range prose(t) {
		read++
		for _, fault := range list.faults(text) {
			t.Error(fault)
		}
	}
	if read < 1000 {
		t.Errorf("only %d texts were read", read)
	}
}

// TestWords_Extraction shows what counts as text, and what does not.
func TestWords_Extraction(t *testing.T) {
	t.Parallel()
	list := words{{regexp.MustCompile(`(?i)\banew\b`), "anew", "again"}}
	for source, want := range map[string]int{
		"Load it Anew.": 1, "renewed": 0, "`anew`": 0, "[x](/anew)": 0,
		"```\nanew\n```\nanew": 1, "    ````\nanew\n```\nanew\n````\n": 0,
	} {
		if got := countFaults(list, markdown("x.md", source)); got != want {
			t.Errorf("markdown %q has %d faults, want %d", source, got, want)
		}
	}
	for source, want := range map[string]int{
		`<p>anew</p>`: 1, `<p title="anew">`: 1, `<p class="anew">`: 0, `<code>anew</code>`: 0, `{{/* anew */}}`: 0,
		`<p aria-label="{{"x"}} anew">{{.A}} anew</p>`: 2,
	} {
		if got := countFaults(list, markup("x.html", source)); got != want {
			t.Errorf("markup %q has %d faults, want %d", source, got, want)
		}
	}
	for source, want := range map[string]int{
		`say("anew");`: 1, "say(`${x} anew`);": 1, `open("https://a", "anew")`: 1,
		`// "anew"`: 0, `const a = b; // "anew"`: 0,
	} {
		if got := countFaults(list, script("x.js", source)); got != want {
			t.Errorf("script %q has %d faults, want %d", source, got, want)
		}
	}
	for source, want := range map[string]int{
		`var e = errors.New("anew")`: 1, `var p = problem{Hint: "a" + "anew"}`: 1, `var s = "anew"`: 0,
		"const userUsage = `\nanew`":             1,
		`var e = fmt.Errorf("x: %w", f("anew"))`: 0, `var p = problem{Hint: fmt.Sprintf("anew %d", 1)}`: 1,
	} {
		file := filepath.Join(t.TempDir(), "x.go")
		if err := os.WriteFile(file, []byte("package x\n"+source), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := countFaults(list, goTexts(t, file)); got != want {
			t.Errorf("Go %q has %d faults, want %d", source, got, want)
		}
	}
}

func countFaults(list words, texts []text) int {
	n := 0
	for _, one := range texts {
		n += len(list.faults(one))
	}
	return n
}

// words are the phrases that are not used, each with what is.
type words []struct {
	pattern       *regexp.Regexp
	phrase, usage string
}

func (list words) faults(one text) []string {
	var faults []string
	for _, word := range list {
		if word.pattern.MatchString(one.text) {
			faults = append(faults, fmt.Sprintf("%s:%d: %q: use %q", one.file, one.line, word.phrase, word.usage))
		}
	}
	return faults
}

// wordList reads the table of docs/style.md: what to use, what it means, and the phrases that are not used for it.
func wordList(t *testing.T) words {
	t.Helper()
	page, err := os.ReadFile("../../docs/style.md")
	if err != nil {
		t.Fatal(err)
	}
	var list words
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !strings.HasPrefix(line, "| ") || strings.Contains(cells[2], "never say") {
			continue
		}
		for phrase := range strings.SplitSeq(cells[2], ",") {
			phrase = strings.TrimSpace(phrase)
			pattern := regexp.MustCompile(`(?i)\b` + strings.ReplaceAll(regexp.QuoteMeta(phrase), " ", `\s+`) + `\b`)
			list = append(list, struct {
				pattern       *regexp.Regexp
				phrase, usage string
			}{pattern, phrase, strings.TrimSpace(cells[0])})
		}
	}
	if len(list) < 50 {
		t.Fatalf("docs/style.md has only %d phrases", len(list))
	}
	return list
}
