package node

import (
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
)

// released is the newest release, for builds that no version control has stamped: the image's, for one.
const released = "0.2.0"

// Version is that of this program: 0.2.0 for a build of a tagged commit, such as v0.2.0; 0.2.0+1a2b3c4d5e6f for
// any other commit after that release, with .dirty behind it if files were changed; 0.2.0 without a stamp.
var Version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return released
	}
	return versionOf(info)
})

// versionOf is the version that a build's stamp tells.
func versionOf(info *debug.BuildInfo) string {
	tag := strings.TrimPrefix(info.Main.Version, "v")
	if tagged := regexp.MustCompile(`^\d+\.\d+\.\d+(-[a-z]+[a-z0-9.]*)?(\+dirty)?$`); tagged.MatchString(tag) {
		return tag
	}
	var revision, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = "+" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ".dirty"
		}
	}
	if revision == "" {
		return released
	}
	return released + revision + dirty
}
