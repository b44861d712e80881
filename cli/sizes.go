package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// sizeUnits are the units that a size may end with, in lower case.
var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20,
	"g": 1 << 30, "gib": 1 << 30, "t": 1 << 40, "tib": 1 << 40,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
}

// parseSize reads a number of bytes: 65536, 64KiB, 64k, 500 MB; at most a million TiB.
func parseSize(text string) (int64, error) {
	number := strings.TrimRight(text, "KkMmGgTtIiBb ")
	unit, ok := sizeUnits[strings.ToLower(strings.TrimSpace(text[len(number):]))]
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !ok || n < 0 || n > 1<<60/unit {
		return 0, errors.New("not a size")
	}
	return n * unit, nil
}

// maxDays is about a hundred years; a Duration holds less than three hundred.
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
		return 0, errors.New("not a number of days")
	}
	return time.Duration(days) * 24 * time.Hour, nil
}
