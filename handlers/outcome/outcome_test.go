package outcome

import (
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"\x1b[31mred\x1b[0m\r\n":         "red",
		"10 %\r50 %\r100 %\ndone  \n\n":  "100 %\ndone",
		"\x1b]0;title\x07a\x1bPq\x1b\\b": "ab",
		"bell\a, null\x00, é\tand tab":   "bell, null, é\tand tab",
	} {
		if got := Plain(output); got != want {
			t.Errorf("Plain(%q) = %q, want %q", output, got, want)
		}
	}
}

// Each result is a line with its nodes: "abc:text", where / ends a line of the text. The groups show * before a line
// that differs, and -n where n lines are missing.
func TestGroups(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ results, want, says string }{
		{"a:x", "a:x/", "1 node"},
		{"abc:x/y", "abc:x/y/", "the same on 3 nodes"},
		{"a:x/y b:x/z", "a:x/*y b:x/*z", "2 nodes differ"},
		{"a:1 bc:2", "bc:2/ a:*1", "2 nodes agree, 1 differs"},
		{"a: bc:2/3", "bc:2/3/ a:* -1", "2 nodes agree, 1 differs"},
		{"ab:1/2/3/4 c:1/4 d:1/2/n/3/4", "ab:1/2/3/4/ c:1/-24/ d:1/2/*n3/4/", "2 nodes agree, 2 differ"},
		{"ab:1 cd:2 e:3", "ab:*1 cd:*2 e:*3", "2 and 2 and 1 nodes differ"},
		{"a:1 b:2 c:3", "a:*1 b:*2 c:*3", "all 3 nodes differ"},
	} {
		var results []Result
		for _, one := range strings.Split(test.results, " ") {
			nodes, text, _ := strings.Cut(one, ":")
			for _, node := range nodes {
				results = append(results, Result{Short: string(node), Badge: "ok", OK: true,
					Output: strings.ReplaceAll(text, "/", "\n")})
			}
		}
		groups := Groups(results, true)
		var got []string
		for _, g := range groups {
			text := strings.Join(g.Nodes, "") + ":"
			for _, p := range g.Parts {
				switch {
				case p.Missing > 0:
					text += "-" + string(rune('0'+p.Missing))
				case p.Differs:
					text += "*" + p.Text
				default:
					text += strings.ReplaceAll(p.Text, "\n", "/")
				}
			}
			got = append(got, text)
		}
		if all := strings.Join(got, " "); all != test.want || Headline(groups) != test.says {
			t.Errorf("%s:\n%q, %q, want\n%q, %q", test.results, all, Headline(groups), test.want, test.says)
		}
	}
}

// Outputs that are too long to be compared in full are compared by line number.
func TestGroups_Long(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x\ny\n", 2000)
	groups := Groups([]Result{{Short: "a", Output: "1\n" + long + "3"}, {Short: "b", Output: "2\n" + long + "4"}}, true)
	if n := len(groups[0].Parts); n != 3 || !groups[0].Parts[0].Differs || !groups[0].Parts[2].Differs {
		t.Errorf("%d parts", n)
	}
}
