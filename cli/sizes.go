package cli

import (
	"errors"
	"strconv"
	"strings"
)

// sizeUnits are what a size may end with, in any case.
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
		return 0, errors.New("no size")
	}
	return n * unit, nil
}
