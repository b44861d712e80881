package cli

import (
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "64MiB": 64 << 20, "64 mib": 64 << 20, "64k": 64 << 10, "1G": 1 << 30, "100b": 100,
		"1024g": 1 << 40,
		"1TiB":  1 << 40, "500 MB": 5e8, "2GB": 2e9,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.5M", "MiB", "1 M iB", "9999999999g", "0x10", "99999999TB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d, want an error", text, got)
		}
	}
}

func TestParseAge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "0d": 0, "400d": 400 * 24 * time.Hour, "720h": 720 * time.Hour, "36500d": 36500 * 24 * time.Hour,
	} {
		if got, err := parseAge(text); err != nil || got != want {
			t.Errorf("parseAge(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "-1h", "1.5d", "36501d", "99999999999999999999d", "x"} {
		if got, err := parseAge(text); err == nil {
			t.Errorf("parseAge(%q) = %v, want an error", text, got)
		}
	}
}
