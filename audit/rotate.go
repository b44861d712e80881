package audit

// next goes on in a new file, whose first entry will have that number.
func (l *Log) next(first uint64) error {
	file, name, err := create(l.root, l.dir, first, l.cfg.Now())
	if err != nil {
		return err
	}
	if l.file != nil {
		if err := l.file.Close(); err != nil { // all of it is on the disk
			l.cfg.Log.Warn("audit log: file cannot be closed", "file", l.name, "error", err)
		}
	}
	l.file, l.name, l.size, l.dirty, l.crowd = file, name, 0, false, true
	return nil
}

// rotate goes on in a new file because this one is full. If none can be made, this one grows: an entry is worth more
// than a limit.
func (l *Log) rotate(first uint64) {
	if err := l.next(first); err != nil {
		l.cfg.Log.Warn("audit log: no new file can be made", "dir", l.cfg.Dir, "error", err)
	}
}

// removeOldest removes the files that are too many. It is called when the newest one has a line, which names what went
// before it.
func (l *Log) removeOldest() {
	if !l.crowd || l.cfg.Keep <= 0 {
		return
	}
	l.crowd = false
	files, err := filesOf(l.root)
	for len(files) > l.cfg.Keep && err == nil {
		err = l.root.Remove(files[0].name)
		files = files[1:]
	}
	if err != nil {
		l.cfg.Log.Warn("audit log: old files cannot be removed", "dir", l.cfg.Dir, "error", err)
	}
}
