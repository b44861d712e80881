package cli

import (
	"os"
	"path/filepath"
	"time"
)

const (
	minAuditBytes      = 1 << 20 // a smaller audit log would lose entries before anyone reads them
	minAuditAge        = 24 * time.Hour
	minRecordingsBytes = 1 << 20 // a smaller directory would hold no useful recording
)

func (cfg *config) checkData() error {
	if cfg.Data == "" {
		cfg.Data = stateDir(cfg.getenv)
		return nil
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return hint("name a directory that you may write to", "-data %q: %w", cfg.Data, err)
	}
	cfg.Data, _ = filepath.Abs(cfg.Data)
	return nil
}

func (cfg *config) checkAudit() (err error) {
	if cfg.AuditMax, err = parseSize(cfg.auditMax); err != nil || cfg.AuditMax > 0 && cfg.AuditMax < minAuditBytes {
		return hint("such as 100MiB; 0 for no limit", "-audit-max %q is not a size of at least 1MiB", cfg.auditMax)
	}
	if cfg.AuditAge, err = parseAge(cfg.auditAge); err != nil || cfg.AuditAge > 0 && cfg.AuditAge < minAuditAge {
		return hint("such as 400d or 720h; 0 for no limit", "-audit-age %q is not an age of at least a day", cfg.auditAge)
	}
	return nil
}

func (cfg *config) checkRecordings() error {
	if err := oneOf("record", cfg.record, "all", "off"); err != nil {
		return err
	}
	size, err := parseSize(cfg.recordingsMax)
	if err != nil || size < minRecordingsBytes {
		return hint("such as 500MiB or 2GB", "-recordings-max %q is not a size of at least 1MiB", cfg.recordingsMax)
	}
	cfg.Record.All, cfg.Record.MaxBytes = cfg.record == "all", size
	if cfg.Record.Dir != "" {
		cfg.Record.Dir, _ = filepath.Abs(cfg.Record.Dir)
	} else {
		if cfg.Data != "" {
			cfg.Record.Dir = filepath.Join(cfg.Data, "recordings")
		}
		if !cfg.Record.All {
			return nil // the first recording creates the default directory
		}
	}
	if err := cfg.Recordings().Check(); err != nil {
		return hint("name a directory that you may write to with -recordings",
			"recordings cannot be kept in %q: %v", cfg.Record.Dir, cause(err))
	}
	return nil
}

// stateDir is the default directory of what nodes keep (XDG Base Directory Specification), "" if the user has no home.
func stateDir(getenv func(string) string) string {
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "convoy")
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "convoy")
	}
	return ""
}
