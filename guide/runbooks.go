package guide

import (
	"cmp"
	"crypto/sha256"
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
	maxRunbook  = 1 << 20  // bytes
	maxRunbooks = 500      // listed
	headBytes   = 16 << 10 // read for the list
	maxSummary  = 240      // characters
	maxName     = 200      // bytes, so that a file system accepts it with its suffix
	suffix      = ".md"    // of file names
	headingIDs  = "at-"    // prefix of heading ids
)

var (
	// ErrNoRunbook reports that no runbook has that name.
	ErrNoRunbook = errors.New("no such runbook")
	// ErrLarge reports a runbook above the size limit.
	ErrLarge = errors.New("the runbook is larger than 1 MiB")
)

// Runbooks are the Markdown files in a directory of the user. They are read on each request, so that edits show
// immediately. Nothing outside the directory is read. The zero value has none.
type Runbooks struct {
	Dir  string // "": none
	Base string // prefix of links to the console, such as /convoy, or ""

	turn sync.Mutex // one rendering at a time, to bound the work
}

// Runbook is one runbook.
type Runbook struct {
	Name     string // file name without .md
	Summary  string // start of its first paragraph
	Tags     []string
	Changed  time.Time
	Large    bool   // above the size limit
	Untitled bool   // without a heading: the title is that of the front matter, or the name
	Version  string // changes with its text; empty in the list
	Document
}

// List lists the runbooks by title. more reports that the list is incomplete.
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

// Get renders a runbook. It fails with ErrNoRunbook, ErrLarge, or ErrTooSlow.
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
	about, text := splitFront(source)
	if one.Document, err = render(text, b.Base, headingIDs, renderTime); err != nil {
		return Runbook{}, err
	}
	one.setTitle(about)
	one.Version = fmt.Sprintf("%x", sha256.Sum256(source))
	return one, nil
}

// setTitle takes tags and title from the front matter. Without a title there, it is the heading or else the name.
func (b *Runbook) setTitle(a about) {
	b.Untitled, b.Tags = b.Title == "", a.tags
	b.Title = cmp.Or(shorten(a.title), shorten(b.Title), b.Name)
}

// head returns a runbook's entry in the list.
func head(root *os.Root, name string, end time.Time) (Runbook, error) {
	one, source, err := read(root, name, headBytes)
	if err != nil {
		return Runbook{}, err
	}
	about, text := splitFront(source)
	one.Title, one.Summary = excerpt(text, end)
	one.Summary = shorten(one.Summary)
	one.setTitle(about)
	return one, nil
}

// read reads the beginning of a runbook, which must be a regular file; os.Root follows no link out of its directory.
func read(root *os.Root, name string, limit int64) (Runbook, []byte, error) {
	// O_NONBLOCK: opening a pipe without a writer would block.
	f, err := root.OpenFile(name+suffix, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Runbook{}, nil, fmt.Errorf("%w: %w", ErrNoRunbook, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return Runbook{}, nil, ErrNoRunbook
	}
	source, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return Runbook{}, nil, fmt.Errorf("%w: %w", ErrNoRunbook, err)
	}
	return Runbook{Name: name, Changed: info.ModTime(), Large: info.Size() > maxRunbook}, source, nil
}

// validName reports whether name is a printable file name without .md that is not hidden.
func validName(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && name[0] != '.' &&
		!strings.ContainsAny(name, `/\`) && strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// shorten cuts a text after a word.
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
