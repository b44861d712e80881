// Vendor brings the libraries that the lock.json of each folder names into it,
// unmodified and with their licences: those of the pages into assets/vendor,
// and the one of the browser tests into internal/browser/axe.
//
//	go run ./internal/tools/vendor
//
// It is run from the root of the module, by hand, and needs npm; building and
// running Convoy does not. To take another version of a library, write the
// version into the lock and empty its integrity: the run fills it in.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// folders are where libraries and their locks live, from the module's root.
var folders = []string{"assets/vendor", "internal/browser/axe"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, folder := range folders {
		if err := refresh(ctx, folder); err != nil {
			fmt.Fprintf(os.Stderr, "vendor: error: %s: %v\n", folder, err)
			os.Exit(1)
		}
	}
}

// refresh fetches every package of the lock in dir, checks it, writes its
// files into dir, and rewrites the lock.
func refresh(ctx context.Context, dir string) error {
	lock, err := readLock(dir)
	if err != nil {
		return err
	}
	for i := range lock {
		if err := lock[i].fetch(ctx, dir); err != nil {
			return fmt.Errorf("package %q: %w", lock[i].Name, err)
		}
		fmt.Printf("%s %s: %d files\n", lock[i].Name, lock[i].Version, len(lock[i].Files))
	}
	if err := lock.write(dir); err != nil {
		return err
	}
	return lock.verify(dir)
}

// fetch packs p with npm, checks the archive against p's integrity, and
// writes p's files into dir. It sets the hashes of p.
func (p *Package) fetch(ctx context.Context, dir string) error {
	archive, err := pack(ctx, p.Name+"@"+p.Version)
	if err != nil {
		return err
	}
	integrity := sri512(archive)
	if p.Integrity != "" && p.Integrity != integrity {
		return fmt.Errorf("integrity is %s, the lock says %s", integrity, p.Integrity)
	}
	p.Integrity = integrity
	contents, err := unpack(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	for i, f := range p.Files {
		body, ok := contents[f.From]
		if !ok {
			return fmt.Errorf("no file %q in the package", f.From)
		}
		to := filepath.Join(dir, filepath.FromSlash(f.To))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, body, 0o644); err != nil {
			return err
		}
		p.Files[i].SHA384 = sri384(body)
	}
	return nil
}

// pack returns the archive of one package, as npm has it. No script of the package runs.
func pack(ctx context.Context, spec string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "convoy-vendor-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var stderr bytes.Buffer
	npm := exec.CommandContext(ctx, "npm", "pack", spec, "--json", "--ignore-scripts")
	npm.Dir, npm.Stderr = dir, &stderr
	out, err := npm.Output()
	if err != nil {
		return nil, fmt.Errorf("npm pack: %w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	var packed []struct {
		Filename string `json:"filename"`
	}
	if err := json.Unmarshal(out, &packed); err != nil {
		return nil, fmt.Errorf("npm pack: %w", err)
	}
	if len(packed) != 1 {
		return nil, errors.New("npm pack: not exactly one archive")
	}
	return os.ReadFile(filepath.Join(dir, filepath.Base(packed[0].Filename)))
}
