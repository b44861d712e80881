package rules

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestHasStylesFewElements: the subject of a selector with :has() is not *. Browsers would compute the style of every
// element of a card again whenever its terminal draws a row.
func TestHasStylesFewElements(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../assets/css/*.css")
	if err != nil || len(files) == 0 {
		t.Fatalf("no style sheets: %v", err)
	}
	all := regexp.MustCompile(`:has\([^{},]*\)[ >+~]+\*`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := all.FindString(string(text)); found != "" {
			t.Errorf("%s: %q: name the elements", file, found)
		}
	}
}
