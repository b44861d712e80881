package audit

import (
	"os"
	"path/filepath"
	"testing"

	"convoy/internal/testkit"
)

// Entries that a full disk lost are recorded although the log was closed before there was space.
func TestLost_OutlivesARestart(t *testing.T) {
	disk := testkit.SmallDisk(t, "256k")
	cfg := Config{Dir: filepath.Join(disk, "log"), Node: "n"}
	filler := filepath.Join(disk, "filler")
	l, err := Open(cfg)
	testkit.Must(t, err)
	os.WriteFile(filler, make([]byte, 1<<20), 0o600) //nolint:errcheck // it fills the disk
	failed := 0
	for range 40 {
		if _, err := l.Append(Entry{Action: "x", Result: OK}); err != nil {
			failed++
		}
	}
	if l.Close(); failed == 0 {
		t.Fatal("the disk is not full")
	}
	testkit.Must(t, os.Remove(filler))
	l, err = Open(cfg)
	testkit.Must(t, err)
	_, err = l.Append(Entry{Action: "y", Result: OK})
	testkit.Must(t, err)
	testkit.Must(t, l.Close())
	report, err := Verify(cfg.Dir)
	testkit.Must(t, err)
	if report.Lost != failed {
		t.Errorf("%d lost, want %d", report.Lost, failed)
	}
}
