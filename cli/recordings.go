package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"convoy/pty/cast"
)

// recordConfig says what is recorded, and where.
type recordConfig struct {
	all      bool
	dir      string // of all nodes of this machine; empty: nowhere
	maxBytes int64  // of one node's recordings
}

// minRecordings is the least that -recordings-max takes: less would hold no recording worth looking at.
const minRecordings = 1 << 20

func (cfg *config) checkData(f flags, getenv func(string) string) error {
	if cfg.data = stateDir(getenv); f.data == "" {
		return nil
	}
	cfg.data, _ = filepath.Abs(f.data)
	if err := os.MkdirAll(cfg.data, 0o700); err != nil {
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
	cfg.record = recordConfig{all: f.record == "all", dir: f.recordings, maxBytes: size}
	if cfg.record.dir == "" && cfg.data != "" {
		cfg.record.dir = filepath.Join(cfg.data, "recordings")
	}
	if f.recordings != "" {
		cfg.record.dir, _ = filepath.Abs(cfg.record.dir)
	}
	if !cfg.record.all && f.recordings == "" {
		return nil // the default directory is made when somebody records
	}
	if err := cfg.castDir().Check(); err != nil {
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			err = path.Err
		}
		return hint("name a directory that you may write to with -recordings", "recordings cannot be kept in %q: %v", cfg.record.dir, err)
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

// castDir is the directory of this node's recordings: one of its own, so that nodes of one machine do not mix.
func (cfg *config) castDir() cast.Dir {
	if cfg.record.dir == "" {
		return cast.Dir{}
	}
	return cast.Dir{Path: filepath.Join(cfg.record.dir, hostOf(cfg.name)), MaxBytes: cfg.record.maxBytes}
}
