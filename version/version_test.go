package version

import (
	"os"
	"regexp"
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	const revision = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
	for _, test := range []struct{ tag, revision, modified, want string }{
		{"v1.4.0", revision, "false", "1.4.0"},
		{"v1.4.0-rc.1", revision, "false", "1.4.0-rc.1"},
		{"v1.4.0+dirty", revision, "true", "1.4.0+dirty"},
		{"v0.0.0-20261129114500-1a2b3c4d5e6f", revision, "false", released + "+1a2b3c4d5e6f"},
		{"v1.4.0-rc.1.0.20261129114500-1a2b3c4d5e6f", revision, "false", released + "+1a2b3c4d5e6f"},
		{"v1.4.1-0.20261129114500-1a2b3c4d5e6f", revision, "false", released + "+1a2b3c4d5e6f"},
		{"v1.4.0-rc.1+dirty", revision, "true", "1.4.0-rc.1+dirty"},
		{"(devel)", revision, "true", released + "+1a2b3c4d5e6f.dirty"},
		{"(devel)", "", "", released},
		{"", "", "", released},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: test.tag}}
		if test.revision != "" {
			info.Settings = []debug.BuildSetting{
				{Key: "vcs.revision", Value: test.revision},
				{Key: "vcs.modified", Value: test.modified},
			}
		}
		if got := versionOf(info); got != test.want {
			t.Errorf("%q, %q, modified %q: %s, want %s", test.tag, test.revision, test.modified, got, test.want)
		}
	}
}

// TestReleased_MatchesChangelog: the version of builds without a stamp is the latest release.
func TestReleased_MatchesChangelog(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## (\d\S*) - \d{4}-\d\d-\d\d$`).FindSubmatch(text)
	if newest == nil || string(newest[1]) != released {
		t.Errorf("the newest dated section of CHANGELOG.md is %q, want %s", newest, released)
	}
}
