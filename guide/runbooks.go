package guide

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxRunbook  = 1 << 20  // bytes of one
	maxRunbooks = 500      // that are listed
	headBytes   = 16 << 10 // of a runbook that its line in the list is made of
	maxSummary  = 240      // letters
	maxName     = 200      // bytes, so that a file system takes it with its ending
	suffix      = ".md"    // of a runbook's file
	headingIDs  = "at-"    // what a runbook's headings' ids begin with
)

var (
	// ErrNoRunbook says that there is no runbook of that name.
	ErrNoRunbook = errors.New("no such runbook")
	// ErrLarge says that a runbook is larger than any may be.
	ErrLarge = errors.New("the runbook is larger than 1 MiB")
)

// Runbooks are the Markdown files directly in a directory of the user's. They are read anew each time, so that an edit
// shows at once. Nothing outside the directory is ever read. The zero value has none.
type Runbooks struct {
	Dir string // "": there is none

	turn sync.Mutex // one is rendered at a time, whatever is in it
}

// Runbook is one of them.
type Runbook struct {
	Name     string // of its file, without .md
	Summary  string // how its first paragraph begins
	Changed  time.Time
	Large    bool // it is larger than any may be
	Untitled bool // it has no heading: the title is its name
	Document
}

// List lists the runbooks by title. more says that there are more than are listed.
func (b *Runbooks) List() (list []Runbook, more bool, err error) {
	root, err := os.OpenRoot(b.Dir)
	if err != nil {
		return nil, false, fmt.Errorf("open the directory of runbooks: %w", err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, false, fmt.Errorf("read the directory of runbooks: %w", err)
	}
	b.turn.Lock()
	defer b.turn.Unlock()
	end := time.Now().Add(renderTime)
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), suffix)
		if !ok || !validName(name) {
			continue
		}
		if one, err := head(root, name, end); err == nil {
			list = append(list, one)
		}
		if len(list) > maxRunbooks {
			list, more = list[:maxRunbooks], true
			break
		}
	}
	slices.SortFunc(list, func(a, b Runbook) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)), cmp.Compare(a.Name, b.Name))
	})
	return list, more, nil
}

// Get renders the runbook of that name. It fails with ErrNoRunbook, ErrLarge or ErrTooSlow.
func (b *Runbooks) Get(name string) (Runbook, error) {
	if b.Dir == "" || !validName(name) {
		return Runbook{}, ErrNoRunbook
	}
	root, err := os.OpenRoot(b.Dir)
	if err != nil {
		return Runbook{}, fmt.Errorf("open the directory of runbooks: %w", err)
	}
	defer root.Close()
	one, source, err := read(root, name, maxRunbook+1)
	if err != nil {
		return Runbook{}, err
	}
	if one.Large || len(source) > maxRunbook {
		return Runbook{}, ErrLarge
	}
	b.turn.Lock()
	defer b.turn.Unlock()
	if one.Document, err = render(source, headingIDs, renderTime); err != nil {
		return Runbook{}, err
	}
	one.entitle()
	return one, nil
}

// entitle gives a runbook without a heading its name as title.
func (b *Runbook) entitle() {
	b.Untitled = b.Title == ""
	b.Title = cmp.Or(shorten(b.Title), b.Name)
}

// head is what the list says of a runbook.
func head(root *os.Root, name string, end time.Time) (Runbook, error) {
	one, source, err := read(root, name, headBytes)
	if err != nil {
		return Runbook{}, err
	}
	one.Title, one.Summary = glance(source, end)
	one.Summary = shorten(one.Summary)
	one.entitle()
	return one, nil
}

// read reads the beginning of a runbook. Only a regular file is one; os.Root follows no link out of its directory.
func read(root *os.Root, name string, most int64) (Runbook, []byte, error) {
	// A pipe that nobody writes to would be waited for.
	f, err := root.OpenFile(name+suffix, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Runbook{}, nil, fmt.Errorf("%w: %w", ErrNoRunbook, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return Runbook{}, nil, ErrNoRunbook
	}
	source, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return Runbook{}, nil, fmt.Errorf("%w: %w", ErrNoRunbook, err)
	}
	return Runbook{Name: name, Changed: info.ModTime(), Large: info.Size() > maxRunbook}, source, nil
}

// validName reports whether a runbook may be called so: one name of a file, without .md, that is not hidden and can be
// shown.
func validName(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && name[0] != '.' &&
		!strings.ContainsAny(name, `/\`) &&
		strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// shorten cuts a text behind a word.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= maxSummary {
		return s
	}
	cut := string([]rune(s)[:maxSummary])
	if at := strings.LastIndexByte(cut, ' '); at > maxSummary/2 {
		cut = cut[:at]
	}
	return cut + " …"
}
