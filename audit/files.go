package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	nameTime = "20060102-150405"
	// lockTries and lockWait are how often, and after what time, to try the lock again: a reader holds it for a moment.
	lockTries = 10
	lockWait  = 20 * time.Millisecond
)

var namePattern = regexp.MustCompile(`^audit-[0-9]{8}-[0-9]{6}-([0-9]{16})\.jsonl$`)

// logFile is a file of a log.
type logFile struct {
	name  string
	first uint64 // number of its first entry, as in its name
}

// createdAt returns the time in a file's name.
func createdAt(name string) time.Time {
	at, _ := time.Parse(nameTime, name[len("audit-"):len("audit-")+len(nameTime)]) // the zero time counts as very old
	return at
}

// filesOf returns the files of a log in order, and ignores other files.
func filesOf(root *os.Root) ([]logFile, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var files []logFile
	for _, e := range entries {
		match := namePattern.FindStringSubmatch(e.Name())
		if match == nil || !e.Type().IsRegular() {
			continue
		}
		first, _ := strconv.ParseUint(match[1], 10, 64) // sixteen digits always fit
		files = append(files, logFile{e.Name(), first})
	}
	slices.SortFunc(files, func(a, b logFile) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.name, b.name))
	})
	return files, nil
}

// openDir opens an existing directory. Files are opened through it, so that no link leads outside.
func openDir(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", ErrNone, dir)
	}
	return root, err
}

// create creates a file for entries from that number on. Its name is on disk when create returns.
func create(root *os.Root, dir *os.File, first uint64, at time.Time) (*os.File, string, error) {
	for {
		name := fmt.Sprintf("audit-%s-%016d.jsonl", at.UTC().Format(nameTime), first)
		f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
		if errors.Is(err, fs.ErrExist) {
			at = at.Add(time.Second) // only a file that was tampered with has the same time and number
			continue
		}
		if err != nil {
			return nil, "", err
		}
		if err := dir.Sync(); err != nil {
			return nil, "", errors.Join(err, f.Close(), root.Remove(name))
		}
		return f, name, nil
	}
}

// lockDir locks a directory for the writer: ErrLocked. The lock lasts until the returned file is closed or the process
// ends.
func lockDir(root *os.Root) (*os.File, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	for range lockTries {
		if err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(lockWait)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// unlockDir releases the lock. Closing the file is not enough while a process that was just started has not yet closed
// the inherited descriptor.
func unlockDir(dir *os.File) error {
	return errors.Join(syscall.Flock(int(dir.Fd()), syscall.LOCK_UN), dir.Close())
}

// isOpen reports whether a process has the log open for writing.
func isOpen(root *os.Root) bool {
	dir, err := root.Open(".")
	if err != nil {
		return false
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		dir.Close()
		return true
	}
	unlockDir(dir) //nolint:errcheck // nothing was written
	return false
}
