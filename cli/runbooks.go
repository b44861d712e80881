package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

func (cfg *config) checkRunbooks(f flags, _ func(string) string) error {
	if f.runbooks == "" {
		return nil
	}
	info, err := os.Stat(f.runbooks)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			err = path.Err
		}
		return hint("name a directory with Markdown files in it", "-runbooks %q: %v", f.runbooks, err)
	}
	cfg.Runbooks, _ = filepath.Abs(f.runbooks)
	return nil
}
