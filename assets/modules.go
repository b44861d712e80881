package assets

import (
	"path"
	"regexp"
	"slices"
	"sync"
)

// importLine matches a static import or re-export of a script. TestImports keeps each on one line.
var importLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(?:import|export) (?:[^"';]* from )?["'](\.[^"']+)["'];`)
})

// Modules returns the modules that the module at entry, such as "js/console.js", imports directly or indirectly,
// without dynamic imports. It is for modulepreload: otherwise a browser discovers each module only after the one that
// imports it.
func Modules(entry string) []string { return whole().modules(entry) }

// modules caches the result for each entry.
func (t *tree) modules(entry string) []string {
	if known, ok := t.imported.Load(entry); ok {
		return known.([]string)
	}
	found := []string{entry}
	for i := 0; i < len(found); i++ {
		for _, name := range t.imports(found[i]) {
			if !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	t.imported.Store(entry, found[1:])
	return found[1:]
}

// imports returns the direct imports of a module.
func (t *tree) imports(name string) (paths []string) {
	for _, match := range importLine().FindAllSubmatch(t.files[name].body, -1) {
		paths = append(paths, path.Join(path.Dir(name), string(match[1])))
	}
	return paths
}
