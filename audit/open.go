package audit

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// defaultMaxBytes is how large a file gets if nobody says otherwise.
const defaultMaxBytes = 8 << 20

// Open opens the log in a directory, or begins one: ErrLocked if it is open already. A log that was harmed is opened
// all the same, and says so: a line that a crash cut off is removed, which becomes an entry Recovered; each file in
// which the chain is found broken becomes an entry Broken, and the chain goes on in a new file. Open looks at the whole
// last file, and at the first and last line of the others, so that it takes about as long for a large log as for a
// small one: Verify looks at all.
func Open(cfg Config) (*Log, error) {
	l, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open the audit log in %s: %w", cfg.Dir, err)
	}
	return l, nil
}

func open(cfg Config) (*Log, error) {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	if cfg.MaxTotal > 0 {
		cfg.MaxBytes = max(1, min(cfg.MaxBytes, cfg.MaxTotal/8)) // so that what is removed is a small part
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	root, err := makeDir(cfg)
	if err != nil {
		return nil, err
	}
	l := &Log{cfg: cfg, root: root}
	if l.dir, err = lockDir(root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if err := l.resume(); err != nil {
		if l.file != nil {
			l.file.Close()
		}
		return nil, errors.Join(err, unlockDir(l.dir), root.Close())
	}
	return l, nil
}

// makeDir opens the directory, and makes it first if it is not there. One that is there stays as it is: it may be
// somebody's who has reasons.
func makeDir(cfg Config) (*os.Root, error) {
	if cfg.Dir == "" {
		return nil, errors.New("no directory is given")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Stat(cfg.Dir); err == nil && info.Mode().Perm()&0o022 != 0 {
		cfg.Log.Warn("audit log: others may write to its directory", "dir", cfg.Dir, "mode", info.Mode().Perm().String())
	}
	syncDir(filepath.Dir(cfg.Dir))
	return os.OpenRoot(cfg.Dir)
}

// syncDir puts a directory's names on the disk, if it lets us.
func syncDir(path string) {
	if dir, err := os.Open(path); err == nil {
		dir.Sync() //nolint:errcheck // not every file system can; the log is written all the same
		dir.Close()
	}
}

// resume goes on where the log ends.
func (l *Log) resume() error {
	files, err := filesOf(l.root)
	if err != nil {
		return err
	}
	w := newWalk(l.root)
	w.owned = true
	for i, f := range files {
		if i < len(files)-1 {
			err = w.edges(f)
		} else {
			err = w.file(f, true)
		}
		if err != nil {
			return err
		}
	}
	l.head = Head{w.expect - 1, w.last.Hash}
	return l.continueFrom(w)
}

// goOn opens the file to write to, and writes down in what state the log was found.
func (l *Log) continueFrom(w *walk) error {
	broken, torn := w.broken, w.partialOnly()
	if torn {
		broken = broken[:len(broken)-1]
	}
	untold := slices.DeleteFunc(slices.Clone(broken), func(b Break) bool { return w.recorded[b.File] })
	if w.started && !w.brokenHere(broken) {
		if err := l.reopen(w); err != nil {
			return err
		}
	}
	// A broken file stays as it is, and what is told of it stands where a file begins, so that the next Open finds it.
	if l.file == nil || l.size > 0 && len(untold) > 0 {
		if err := l.newFile(w.expect); err != nil {
			return err
		}
	}
	for _, b := range untold {
		l.recordOwn(Broken, b.File, b.String())
	}
	if torn {
		l.recordOwn(
			Recovered,
			w.name,
			fmt.Sprintf("%d bytes of a line without an end were cut off: %s", len(w.partial), w.partial),
		)
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	if err := l.commitQueue(); err != nil { // it is tried again before the next entry
		l.cfg.Log.Error("audit log: in what state it was found cannot be written down yet", "dir", l.cfg.Dir, "error", err)
	}
	return nil
}

// brokenHere reports whether one of the breaks is in the last file.
func (w *walk) brokenHere(broken []Break) bool {
	return len(broken) > 0 && broken[len(broken)-1].File == w.name
}

// tornOnly reports whether nothing is wrong with the last file but that its last line has no end.
func (w *walk) partialOnly() bool {
	return len(w.partial) > 0 && w.brokenHere(w.broken) && w.broken[len(w.broken)-1].Reason == Truncated
}

// reopen goes on in the last file. What stands behind its last whole line is cut off.
func (l *Log) reopen(w *walk) error {
	file, err := l.root.OpenFile(w.name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.name, l.created = file, w.name, createdAt(w.name)
	l.size, l.dirty = info.Size()-int64(len(w.partial)), len(w.partial) > 0
	if err := errors.Join(l.truncateTail(), file.Sync()); err != nil { // cut is tried again before the first write
		l.cfg.Log.Warn("audit log: a line without an end is still there", "file", w.name, "error", err)
	}
	return nil
}
