package cli

import "testing"

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
