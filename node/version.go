package node

import (
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
)

// released is the latest release, for builds without a version control stamp, such as the image.
const released = "0.2.0"

// Version is the version of this program: 0.2.0 for a build of the tag v0.2.0, 0.2.0+1a2b3c4d5e6f for a later commit,
// with .dirty appended if files were changed, and 0.2.0 for a build without a stamp.
var Version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return released
	}
	return versionOf(info)
})

// versionOf returns the version in a build's stamp.
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
