package audit

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

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

// A log whose directory cannot be made is empty until it can. It then has what was lost, and tries seldom.
func TestOpenLater(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	now := time.Now()
	cfg := Config{Dir: filepath.Join(disk, "new", "log"), Node: "n", Now: func() time.Time { return now }}
	filler := filepath.Join(disk, "new") // is no directory
	testkit.Must(t, os.WriteFile(filler, nil, 0o600))
	l, err := OpenLater(cfg)
	if err == nil {
		t.Fatal("it is open")
	}
	add := func() error {
		_, err := l.Append(Entry{Action: "x", Result: OK})
		return err
	}
	if add() == nil || len(l.Tail(9, nil)) > 0 || !l.Since().IsZero() {
		t.Error("a log that is not open has entries")
	}
	testkit.Must(t, os.Remove(filler))
	if add() == nil {
		t.Error("it tries again at once")
	}
	now = now.Add(retryAfter)
	testkit.Must(t, add())
	if got := len(l.Tail(9, nil)); got != 2 {
		t.Errorf("%d entries, want what was lost and the new one", got)
	}
	testkit.Must(t, l.Close())
	report, err := Verify(cfg.Dir)
	testkit.Must(t, err)
	if report.Lost != 2 {
		t.Errorf("%d lost, want 2", report.Lost)
	}
}

// It may also be closed before there is space.
func TestOpenLater_Closed(t *testing.T) {
	t.Parallel()
	l, err := OpenLater(Config{Dir: "/proc/none", Node: "n"})
	if err == nil {
		t.Fatal("it is open")
	}
	l.Close() //nolint:errcheck // it has the same error
	if _, err := l.Append(Entry{Action: "x", Result: OK}); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
