package screen

import (
	"fmt"
	"strings"
	"testing"
)

// The marks of a prompt make another screen have it.
func TestPrompt_Marks(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "D;3", "D", "A", "B", "C", "D;0|A", "D;7|A|B", "D;255|C", "D;1|D"} {
		s, again := New(2, 10, 0), New(2, 10, 0)
		for mark := range strings.SplitSeq(text, "|") {
			fmt.Fprintf(s, "\x1b]133;%s\a", mark)
		}
		fmt.Fprint(again, s.Prompt().Marks())
		if s.Prompt() != again.Prompt() {
			t.Errorf("%q: %+v becomes %+v", text, s.Prompt(), again.Prompt())
		}
	}
}
