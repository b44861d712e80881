package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"convoy/node"
)

// minRecordings is the least that -recordings-max takes: less would hold no recording worth looking at.
const minRecordings = 1 << 20

func (cfg *config) checkData(f flags, getenv func(string) string) error {
	if cfg.Data = stateDir(getenv); f.data == "" {
		return nil
	}
	cfg.Data, _ = filepath.Abs(f.data)
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return hint("name a directory that you may write to", "-data %q: %w", f.data, err)
	}
	return nil
}

func (cfg *config) checkRecordings(f flags, _ func(string) string) error {
	if f.record != "all" && f.record != "off" {
		return hint("it is all or off", "-record %q is not known", f.record)
	}
	size, err := parseSize(f.recordingsMax)
	if err != nil || size < minRecordings {
		return hint("give a size from 1MiB on, such as 500MiB or 2GB", "-recordings-max %q is no size", f.recordingsMax)
	}
	cfg.Record = node.Record{All: f.record == "all", Dir: f.recordings, MaxBytes: size}
	if cfg.Record.Dir == "" && cfg.Data != "" {
		cfg.Record.Dir = filepath.Join(cfg.Data, "recordings")
	}
	if f.recordings != "" {
		cfg.Record.Dir, _ = filepath.Abs(cfg.Record.Dir)
	}
	if !cfg.Record.All && f.recordings == "" {
		return nil // the default directory is made when somebody records
	}
	if err := cfg.Recordings().Check(); err != nil {
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			err = path.Err
		}
		return hint("name a directory that you may write to with -recordings",
			"recordings cannot be kept in %q: %v", cfg.Record.Dir, err)
	}
	return nil
}

// stateDir is where a node keeps what it keeps by default (XDG Base Directory Specification); empty if the user has no
// home.
func stateDir(getenv func(string) string) string {
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "convoy")
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "convoy")
	}
	return ""
}
