package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// minAuditMax is the least that an audit log may take: less would be gone before somebody reads it.
const minAuditMax = 1 << 20

// checkAudit reads how much is kept of what was done, and how long.
func (cfg *config) checkAudit(f flags, _ func(string) string) (err error) {
	if cfg.AuditMax, err = parseSize(f.auditMax); err != nil || cfg.AuditMax > 0 && cfg.AuditMax < minAuditMax {
		return hint("1MiB or more, such as 100MiB; 0 for any", "-audit-max %q is out of range", f.auditMax)
	}
	if cfg.AuditAge, err = parseAge(f.auditAge); err != nil || cfg.AuditAge > 0 && cfg.AuditAge < 24*time.Hour {
		return hint("a day or more, such as 400d or 720h; 0 for ever", "-audit-age %q is out of range", f.auditAge)
	}
	return nil
}

// maxDays is about a hundred years; more would be more than a Duration holds.
const maxDays = 36_500

// parseAge reads a duration, which may be in days: 400d.
func parseAge(text string) (time.Duration, error) {
	number, inDays := strings.CutSuffix(text, "d")
	if !inDays {
		age, err := time.ParseDuration(text)
		if err == nil && age < 0 {
			err = errors.New("negative")
		}
		return age, err
	}
	days, err := strconv.Atoi(number)
	if err != nil || days < 0 || days > maxDays {
		return 0, errors.New("no number of days")
	}
	return time.Duration(days) * 24 * time.Hour, nil
}
