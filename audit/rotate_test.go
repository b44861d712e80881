package audit

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// total returns the size of all files of a log.
func total(t *testing.T, dir string) (sum int64) {
	t.Helper()
	for _, path := range names(t, dir) {
		info, err := os.Stat(path)
		testkit.Must(t, err)
		sum += info.Size()
	}
	return sum
}

// A log stays within its size, removes whole files, the oldest first, and is sound: an entry records the removal.
func TestMaxTotal(t *testing.T) {
	cfg := config(newDir(t))
	cfg.MaxTotal = 32 << 10
	l := openLog(t, cfg)
	for range 300 {
		add(t, l, 1)
		if sum := total(t, cfg.Dir); sum > cfg.MaxTotal {
			t.Fatalf("%d bytes after entry %d, at most %d are kept", sum, l.Head().Seq, cfg.MaxTotal)
		}
	}
	if sum := total(t, cfg.Dir); sum < cfg.MaxTotal/2 {
		t.Errorf("only %d bytes are kept of %d", sum, cfg.MaxTotal)
	}
	r := verified(t, cfg.Dir, l.Head())
	if !r.Sound() || !r.Dropped || r.Before.Seq == 0 || r.Before.Seq+uint64(r.Entries) != l.Head().Seq ||
		r.Before.Hash == origin || !strings.Contains(r.String(), "removed them itself") ||
		!strings.Contains(r.String(), r.Before.String()) {
		t.Errorf("%v", r)
	}
	if since := l.Since(); r.First.Sub(since).Abs() > 2*time.Second {
		t.Errorf("kept since %v, and the first entry is of %v", since, r.First)
	}
	testkit.Must(t, l.Close())
	testkit.Must(t, os.Remove(names(t, cfg.Dir)[0])) // by someone else
	if r := verified(t, cfg.Dir); !r.Sound() || r.Dropped ||
		!strings.Contains(r.String(), "no entry records who removed them") {
		t.Errorf("after someone else removed a file: %v", r)
	}
	cfg.MaxTotal = 16 << 10 // less than there is
	l = openLog(t, cfg)
	add(t, l, 1)
	if sum := total(t, cfg.Dir); sum > cfg.MaxTotal {
		t.Errorf("%d bytes are kept after the limit became %d", sum, cfg.MaxTotal)
	}
	if r := verified(t, cfg.Dir); !r.Sound() || !r.Dropped {
		t.Errorf("%v", r)
	}
}

// Entries are removed when they are too old, however few there are, and newer ones stay.
func TestMaxAge(t *testing.T) {
	cfg, at := config(newDir(t)), began
	cfg.Now = func() time.Time { return at }
	cfg.MaxAge = 80 * 24 * time.Hour
	l := openLog(t, cfg)
	for day := range 400 {
		at = began.Add(time.Duration(day) * 24 * time.Hour)
		add(t, l, 1)
		r := verified(t, cfg.Dir)
		if age := at.Sub(r.First); !r.Sound() || age > cfg.MaxAge*(ageParts+2)/ageParts || day > 80 && age < cfg.MaxAge {
			t.Fatalf("on day %d entries are %v old: %v", day, age, r)
		}
	}
	if r := verified(t, cfg.Dir); !r.Dropped || r.Files > ageParts+2 {
		t.Errorf("%d files: %v", r.Files, r)
	}
	testkit.Must(t, l.Close())
	at = at.Add(2 * cfg.MaxAge) // the node was off
	l = openLog(t, cfg)
	add(t, l, 1)
	if list := all(t, cfg.Dir); len(list) == 0 || at.Sub(list[0].Time) > cfg.MaxAge ||
		!slices.Contains(actions(t, cfg.Dir), Dropped) {
		t.Errorf("after a long time: %v", verified(t, cfg.Dir))
	}
}

// A log whose beginning was removed by hand, with a forged entry about it, is detected like any other change.
func TestDropped_Forged(t *testing.T) {
	dir, head := writtenLog(t, 60)
	files := names(t, dir)
	testkit.Must(t, os.Remove(files[0]))
	r := verified(t, dir)
	edit(t, files[len(files)-1], func(lines []string) []string {
		lines[0] = reseal(
			strings.Replace(
				strings.Replace(lines[0], "shell.open", Dropped, 1), `"detail":"`, `"detail":"`+r.Before.String()+" ", 1,
			),
		)
		return lines
	})
	if r := verified(t, dir, head); r.Sound() {
		t.Errorf("%v", r)
	}
}
