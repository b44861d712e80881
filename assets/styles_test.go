package assets_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"convoy/internal/testkit"
)

// No rule uses :has() on an element around a terminal: browsers would check it again whenever the terminal draws
// (docs/decisions/0069-no-has-around-terminals.md).
func TestStyles_TerminalsAreCheap(t *testing.T) {
	t.Parallel()
	around := regexp.MustCompile(
		`(?:^|[\s,(>+~])(:root|html|body|main|\.console|\.share-page|#nodes|\.cards|\.node|\.panes|\.pane|\.shell)` +
			`([.:\[][^\s,{>+~]*)?:has\([^)]*`,
	)
	files, err := filepath.Glob("css/*.css")
	testkit.Must(t, err)
	if len(files) == 0 {
		t.Error("there are no styles")
	}
	for _, file := range files {
		if filepath.Base(file) == "runbook.css" { // of pages without a terminal
			continue
		}
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		for _, rule := range around.FindAllString(string(text), -1) {
			t.Errorf("%s: %s", file, rule)
		}
	}
}
