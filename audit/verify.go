package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Reason is the kind of a break in a chain.
type Reason string

// The reasons.
const (
	Changed     Reason = "hash differs"
	SeqGap      Reason = "seq gap"
	PrevDiffers Reason = "prev differs"
	Truncated   Reason = "truncated"
	Missing     Reason = "missing file" // or the end of the previous file: the files do not show which
	NoEntry     Reason = "no entry"
	HeadDiffers Reason = "noted head differs"
	Short       Reason = "newest missing" // fewer entries than a known head has
)

// Break is a break in a chain.
type Break struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // from 1; 0: the file itself
	Reason Reason `json:"reason"`
	Detail string `json:"detail"`
}

func (b Break) String() string {
	if b.Line == 0 {
		return fmt.Sprintf("%s (%s): %s", b.File, b.Reason, b.Detail)
	}
	return fmt.Sprintf("%s, line %d (%s): %s", b.File, b.Line, b.Reason, b.Detail)
}

// Report is the result of Verify.
type Report struct {
	Entries int       `json:"entries"`
	Files   int       `json:"files"`
	First   time.Time `json:"first,omitzero"` // of the first entry
	Last    time.Time `json:"last,omitzero"`  // of the last entry
	// Before is the head that the first entry follows. Its Seq is 0 if that is the first of all; otherwise the oldest
	// files were removed, as a limit of Config does.
	Before Head `json:"before"`
	// Dropped reports that the log removed them itself, as one of its entries records.
	Dropped bool `json:"dropped"`
	// Lost is how many entries could not be written, as the log records.
	Lost int `json:"lost"`
	// Head is the newest entry.
	Head Head `json:"head"`
	// Break is the first break in the chain; nil if it is sound.
	Break *Break `json:"break,omitempty"`
	// Skipped are known heads that were not compared, because their entries were removed with the oldest files.
	Skipped []Head `json:"gone,omitempty"`
	// Compared is how many known heads were compared.
	Compared int `json:"noted"`
}

// Sound reports whether the chain has no break.
func (r Report) Sound() bool { return r.Break == nil }

// String returns the report as one sentence.
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
		fmt.Fprintf(&s, "; the files up to entry %v are gone: ", r.Before)
		if r.Dropped {
			s.WriteString("the log removed them itself because of its size or age")
		} else {
			s.WriteString("no entry records who removed them")
		}
	}
	if r.Lost > 0 {
		fmt.Fprintf(&s, "; %s could not be written, see audit.lost", count(r.Lost, "action", "actions"))
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(&s, "; the recorded head of entry %d could not be compared, because that entry is gone", r.Skipped[0].Seq)
	}
	if r.Break == nil && r.Compared == 0 {
		s.WriteString("; only a head recorded elsewhere can show whether newer entries were removed")
	}
	return s.String()
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// maxWalks is how often Verify starts, if files are removed while it reads.
const maxWalks = 3

// Verify reads the whole log in a directory, which may be open, and reports the first break of its chain.
//
// Removed oldest files are no break: the report names the entry before the first. The files alone do not show that the
// newest lines were removed, or that all lines after some point were replaced with correct hashes. Pass a head that
// Log.Head returned earlier and that was kept elsewhere, to detect that in all entries up to it.
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

// finish compares the known heads that were not compared with an entry.
func (w *walk) finish() {
	r := &w.report
	r.Head = w.last
	for _, noted := range w.known {
		switch {
		case noted.Seq == 0:
			continue // of an empty log
		case noted.Seq > w.last.Seq:
			w.fault(Short, "a head of entry %d was recorded, and the last entry is %d", noted.Seq, w.last.Seq)
		case noted.Seq < r.Before.Seq:
			r.Skipped = append(r.Skipped, noted)
			continue
		case noted.Seq == r.Before.Seq && noted.Hash != r.Before.Hash:
			w.fault(HeadDiffers, "the recorded head of entry %d differs from the one that the first entry follows", noted.Seq)
		}
		r.Compared++
	}
}
