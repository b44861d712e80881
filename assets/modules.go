package assets

import (
	"path"
	"regexp"
	"slices"
	"sync"
)

// importLine is a static import or re-export of a script of ours. Each of them is one line, which TestImports keeps.
var importLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(?:import|export) (?:[^"';]* from )?["'](\.[^"']+)["'];`)
})

// Modules returns the paths of all modules that the module at entry, such as "js/console.js", imports, and of those
// that they import, in the order in which they are found. Imports that a script makes later, by import(), are not among
// them. It is for modulepreload: otherwise a browser finds each module only when the one that imports it has come.
func Modules(entry string) []string { return whole().modules(entry) }

// modules is Modules. The answer for an entry is kept: the tree does not change.
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

// imports are the paths of the modules that one module imports itself.
func (t *tree) imports(name string) (paths []string) {
	for _, match := range importLine().FindAllSubmatch(t.files[name].body, -1) {
		paths = append(paths, path.Join(path.Dir(name), string(match[1])))
	}
	return paths
}
