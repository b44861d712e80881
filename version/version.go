// Package version is the version of this program. It imports little, because package launch prints it while packages
// initialize.
package version

import (
	"runtime/debug"
	"strings"
	"sync"
)

// released is the latest release, for builds without a version control stamp, such as the image.
const released = "0.2.0"

// String is the version of this program: 0.2.0 for a build of the tag v0.2.0, 0.2.0+1a2b3c4d5e6f for a later commit,
// with .dirty appended if files were changed, and 0.2.0 for a build without a stamp.
var String = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return released
	}
	return versionOf(info)
})

// versionOf returns the version in a build's stamp.
func versionOf(info *debug.BuildInfo) string {
	tag := strings.TrimPrefix(info.Main.Version, "v")
	if isTagged(tag) {
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

// isTagged reports whether a version is a tag's: 1.4.0 or 1.4.0-rc.1, with +dirty if files were changed. Those that Go
// makes up for other commits have a digit after the hyphen.
func isTagged(tag string) bool {
	const digits, letters = "0123456789.", "abcdefghijklmnopqrstuvwxyz"
	numbers, stage, staged := strings.Cut(strings.TrimSuffix(tag, "+dirty"), "-")
	isStage := strings.IndexAny(stage, letters) == 0 && strings.Trim(stage, letters+digits) == ""
	return strings.Count(numbers, ".") == 2 && strings.Trim(numbers, digits) == "" && staged == isStage
}
