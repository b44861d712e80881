// Bundle writes assets/dist, which pages load: one script and one style sheet for each page, from the sources in
// assets/js and assets/css.
//
//	go generate ./assets
//
// Vendored modules stay files of their own, unmodified. The map beside each file leads developer tools to the sources,
// which are served, too.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// scripts are the files of assets/js that pages load. All but theme and the workers, carrier and worker, import key.js,
// which each page needs once.
var scripts = []string{
	"carrier", "code", "commands", "console", "key", "login", "offline", "opening", "player", "runbook", "sharepage",
	"theme", "worker",
}

func main() {
	if err := write("."); err != nil {
		fmt.Fprintf(os.Stderr, "bundle: error: %v\n", err)
		os.Exit(1)
	}
}

// write replaces dist in the directory assets.
func write(assets string) error {
	bundles, err := bundle(assets)
	if err != nil {
		return err
	}
	dist := filepath.Join(assets, "dist")
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.Mkdir(dist, 0o755); err != nil {
		return err
	}
	for name, body := range bundles {
		if err := os.WriteFile(filepath.Join(dist, name), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// bundle returns the files of dist by name. The same sources make the same files.
func bundle(assets string) (map[string][]byte, error) {
	dir, err := filepath.Abs(assets)
	if err != nil {
		return nil, err
	}
	entries, err := filepath.Glob(filepath.Join(dir, "css", "pages", "*.css"))
	if err != nil {
		return nil, err
	}
	for _, name := range scripts {
		entries = append(entries, filepath.Join(dir, "js", name+".js"))
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     dir,
		EntryPoints:       entries,
		Outdir:            "dist",
		EntryNames:        "[name]",
		Bundle:            true,
		Format:            api.FormatESModule,
		External:          []string{"*.mjs"}, // dist is beside js, so that relative addresses stay valid
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Sourcemap:         api.SourceMapLinked,
		SourcesContent:    api.SourcesContentExclude,
	})
	if problems := append(result.Errors, result.Warnings...); len(problems) > 0 {
		text := api.FormatMessages(problems, api.FormatMessagesOptions{})
		return nil, fmt.Errorf("esbuild: %s", strings.Join(text, ""))
	}
	bundles := map[string][]byte{}
	for _, file := range result.OutputFiles {
		bundles[filepath.Base(file.Path)] = file.Contents
	}
	return bundles, nil
}
