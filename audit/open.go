package audit

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// defaultMaxBytes is the default size of a file.
const defaultMaxBytes = 8 << 20

// Open opens the log in a directory, and creates it if necessary: ErrLocked if it is open already. It also opens a
// damaged log: it removes an incomplete last line, which becomes an entry Recovered, and for each file with a break in
// the chain it adds an entry Broken and continues in a new file. Open reads the whole last file, and only the first and
// last line of others, so that it is fast for a large log: Verify reads everything.
func Open(cfg Config) (*Log, error) {
	l, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open the audit log in %s: %w", cfg.Dir, err)
	}
	return l, nil
}

// retryAfter is how long a log that could not be opened waits before it tries again.
const retryAfter = 10 * time.Second

// OpenLater is Open for a node that runs in any case. With an error it also returns a log: it counts the entries that
// it loses, and tries again when one is appended, every 10 s at most.
func OpenLater(cfg Config) (*Log, error) {
	l, err := Open(cfg)
	if err != nil {
		cfg = cfg.withDefaults()
		l = &Log{cfg: cfg, tried: cfg.Now(), failed: err}
	}
	return l, err
}

// openAgain opens a log that OpenLater could not. l.commit must be held.
func (l *Log) openAgain() error {
	if l.root != nil {
		return nil
	}
	at := l.cfg.Now()
	if at.Sub(l.tried) < retryAfter {
		return l.failed
	}
	l.tried = at
	now, err := open(l.cfg)
	if err != nil {
		l.failed = err
		return err
	}
	l.mu.Lock()
	l.root, l.dir, l.head = now.root, now.dir, now.head
	l.mu.Unlock()
	l.file, l.name, l.size, l.dirty, l.created = now.file, now.name, now.size, now.dirty, now.created
	l.pending, l.note = now.pending, now.note
	if now.lost.count > 0 {
		l.lost.count += now.lost.count
		l.lost.first = now.lost.first
	}
	l.noteLost()
	l.cfg.Log.Info("the audit log is open now", "dir", l.cfg.Dir, "lost", l.lost.count)
	return nil
}

// opened is the log's directory; nil: OpenLater could not open it yet.
func (l *Log) opened() *os.Root {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.root
}

func (cfg Config) withDefaults() Config {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	if cfg.MaxTotal > 0 {
		cfg.MaxBytes = max(1, min(cfg.MaxBytes, cfg.MaxTotal/8)) // so that the removed part is small
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return cfg
}

func open(cfg Config) (*Log, error) {
	cfg = cfg.withDefaults()
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
	l.openLost()
	return l, nil
}

// makeDir opens the directory, and creates it if necessary. It does not change the mode of an existing one.
func makeDir(cfg Config) (*os.Root, error) {
	if cfg.Dir == "" {
		return nil, errors.New("no directory")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Stat(cfg.Dir); err == nil && info.Mode().Perm()&0o022 != 0 {
		cfg.Log.Warn("audit log: other users can write to its directory", "dir", cfg.Dir, "mode", info.Mode().Perm().String())
	}
	syncDir(filepath.Dir(cfg.Dir))
	return os.OpenRoot(cfg.Dir)
}

// syncDir syncs a directory's names, if possible.
func syncDir(path string) {
	if dir, err := os.Open(path); err == nil {
		dir.Sync() //nolint:errcheck // some file systems cannot
		dir.Close()
	}
}

// resume reads the existing files and continues the log.
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

// continueFrom opens the file to write to, and records the state in which the log was found.
func (l *Log) continueFrom(w *walk) error {
	broken, partial := w.broken, w.partialOnly()
	if partial {
		broken = broken[:len(broken)-1]
	}
	unrecorded := slices.DeleteFunc(slices.Clone(broken), func(b Break) bool { return w.recorded[b.File] })
	if w.started && !w.brokenHere(broken) {
		if err := l.reopen(w); err != nil {
			return err
		}
	}
	// A broken file stays as it is. The entries about it begin a file, where the next Open finds them.
	if l.file == nil || l.size > 0 && len(unrecorded) > 0 {
		if err := l.newFile(w.expect); err != nil {
			return err
		}
	}
	for _, b := range unrecorded {
		l.recordOwn(Broken, b.File, b.String())
	}
	if partial {
		l.recordOwn(Recovered, w.name, fmt.Sprintf("removed %d bytes of an incomplete line: %s", len(w.partial), w.partial))
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	if err := l.commitQueue(); err != nil { // tried again before the next entry
		l.cfg.Log.Error("audit log: cannot record yet in what state it was found", "dir", l.cfg.Dir, "error", err)
	}
	return nil
}

// brokenHere reports whether one of the breaks is in the last file.
func (w *walk) brokenHere(broken []Break) bool {
	return len(broken) > 0 && broken[len(broken)-1].File == w.name
}

// partialOnly reports whether the only defect of the last file is an incomplete last line.
func (w *walk) partialOnly() bool {
	return len(w.partial) > 0 && w.brokenHere(w.broken) && w.broken[len(w.broken)-1].Reason == Truncated
}

// reopen continues the last file, and removes what follows its last complete line.
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
	if err := errors.Join(l.truncateTail(), file.Sync()); err != nil { // tried again before the first write
		l.cfg.Log.Warn("audit log: cannot remove an incomplete line", "file", w.name, "error", err)
	}
	return nil
}
