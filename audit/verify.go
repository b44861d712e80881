package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Reason is what is wrong where a chain breaks.
type Reason string

// The reasons.
const (
	Changed     Reason = "hash differs"
	SeqGap      Reason = "seq gap"
	PrevDiffers Reason = "prev differs"
	Truncated   Reason = "truncated"
	Missing     Reason = "missing file" // or the end of the file before: from the files alone these are the same
	NoEntry     Reason = "no entry"
	HeadDiffers Reason = "noted head differs"
	Short       Reason = "newest missing" // fewer entries than had been noted
)

// Break is where a chain breaks.
type Break struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // from 1; 0 is the file itself
	Reason Reason `json:"reason"`
	Detail string `json:"detail"`
}

func (b Break) String() string {
	if b.Line == 0 {
		return fmt.Sprintf("%s (%s): %s", b.File, b.Reason, b.Detail)
	}
	return fmt.Sprintf("%s, line %d (%s): %s", b.File, b.Line, b.Reason, b.Detail)
}

// Report is what Verify has found.
type Report struct {
	Entries int       `json:"entries"`
	Files   int       `json:"files"`
	First   time.Time `json:"first,omitzero"` // time of the first entry
	Last    time.Time `json:"last,omitzero"`  // time of the last entry
	// Before is what went before the first entry that is there, as that entry says. Its Seq is 0 if nothing did. Otherwise
	// the oldest files were removed, as Config has a log do.
	Before Head `json:"before"`
	// Dropped says that the log removed them itself, as an entry of it tells; else who did it cannot be told.
	Dropped bool `json:"dropped"`
	// Head is the newest entry.
	Head Head `json:"head"`
	// Break is the first place where the chain breaks, nil if it is sound.
	Break *Break `json:"break,omitempty"`
	// Gone are noted heads that could not be compared: their entries went with the oldest files.
	Skipped []Head `json:"gone,omitempty"`
	// Noted is how many noted heads were compared.
	Compared int `json:"noted"`
}

// Sound reports whether the chain has no break.
func (r Report) Sound() bool { return r.Break == nil }

// String is the report as one sentence.
func (r Report) String() string {
	var s strings.Builder
	if r.Break != nil {
		fmt.Fprintf(&s, "the audit log is broken at %v; it has", *r.Break)
	} else {
		s.WriteString("the audit log is sound:")
	}
	fmt.Fprintf(&s, " %s in %s", count(r.Entries, "entry", "entries"), count(r.Files, "file", "files"))
	if r.Entries > 0 {
		fmt.Fprintf(&s, " from %s to %s, the newest is %v", r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339), r.Head)
	}
	if r.Before.Seq > 0 {
		fmt.Fprintf(&s, "; the oldest files are gone, up to entry %v, ", r.Before)
		if r.Dropped {
			s.WriteString("which the log removed itself for its size or its age")
		} else {
			s.WriteString("and no entry tells who removed them")
		}
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(&s, "; what was noted of entry %d could not be compared, it went with them", r.Skipped[0].Seq)
	}
	if r.Break == nil && r.Compared == 0 {
		s.WriteString("; whether newer ones were cut off, only a head noted elsewhere can tell")
	}
	return s.String()
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// walks is how often Verify begins again because files were removed under it.
const maxWalks = 3

// Verify goes through the whole log in a directory, which may be open, and reports the first break of its chain.
//
// That the oldest files were removed is no break: the report names what went before. That the newest lines were
// removed, or all lines from some point on were written anew by somebody who made the hashes right, cannot be seen from
// the files alone. It is seen from a head that Log.Head gave earlier and that was kept elsewhere: every entry since is
// compared.
func Verify(dir string, since ...Head) (Report, error) {
	root, err := openDir(dir)
	if err != nil {
		return Report{}, err
	}
	defer root.Close()
	for range maxWalks {
		var report Report
		if report, err = verify(root, since); !errors.Is(err, fs.ErrNotExist) {
			return report, err
		}
	}
	return Report{}, err
}

func verify(root *os.Root, since []Head) (Report, error) {
	files, err := filesOf(root)
	if err != nil {
		return Report{}, err
	}
	if len(files) == 0 {
		return Report{}, fmt.Errorf("%w in %s", ErrNone, root.Name())
	}
	w := newWalk(root, since...)
	for i, f := range files {
		if err := w.file(f, i == len(files)-1); err != nil {
			return Report{}, err
		}
	}
	w.finish()
	return w.report, nil
}

// finish compares the noted heads that no entry was compared with.
func (w *walk) finish() {
	r := &w.report
	r.Head = w.last
	for _, noted := range w.known {
		switch {
		case noted.Seq == 0:
			continue // it says that there was nothing
		case noted.Seq > w.last.Seq:
			w.fault(Short, "entry %d was noted, and entry %d is the last one", noted.Seq, w.last.Seq)
		case noted.Seq < r.Before.Seq:
			r.Skipped = append(r.Skipped, noted)
			continue
		case noted.Seq == r.Before.Seq && noted.Hash != r.Before.Hash:
			w.fault(HeadDiffers, "another entry %d was noted than the first one here follows", noted.Seq)
		}
		r.Compared++
	}
}
