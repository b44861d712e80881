package pty

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"convoy/pty/journal"
)

// Keeper keeps what shells need to outlive this process. Its methods are called concurrently, and must not call the
// table or its shells.
type Keeper interface {
	// Keep stores a shell, or replaces what was stored under its id. What it has taken survives this process even if
	// that is killed right after. It duplicates the descriptors, and the caller keeps its own. They must stay in
	// non-blocking mode, here and where they are kept: use os.File.SyscallConn, not Fd.
	Keep(k Kept) error
	// Drop forgets a shell. An unknown id is ignored.
	Drop(id string)
	// Wait returns how a program ended that an earlier process started, once it has ended, or ctx's error.
	Wait(ctx context.Context, pid int) (syscall.WaitStatus, error)
}

// Kept is a shell as a Keeper stores it.
type Kept struct {
	ID    string
	Pid   int        // of the program; 0 if it has ended
	Data  []byte     // opaque, at most 16 KiB
	Files []*os.File // opaque: one to four descriptors
}

// The order of Kept.Files. The last one may be missing, and an ended shell has only the first.
const (
	keptJournal = iota
	keptTerminal
	keptTTY
	keptAttachment
)

// keptVersion is the version of keptData.
const keptVersion = 1

// keptData is Kept.Data: what does not change with output and input, which is in the journal.
type keptData struct {
	Version   int
	Kind      string
	Right     string
	Name      string        // from Rename
	Birth     string        // of the program, see birthOf
	Started   time.Time     // of the shell
	Order     float64       // place in the list
	Recording string        // id; "": none
	Exit      *Exit         // how the program ended; nil while it runs
	Dir       string        // of an ended program, as Info.Dir
	Activity  *keptActivity `json:",omitempty"` // of a program that runs, as of the last change of its state
}

// makeJournal makes the shell outlive this process, if there is a keeper. Without a journal it ends with it.
func (s *Shell) makeJournal(ringBytes int) {
	if s.keeper == nil {
		return
	}
	size := s.sizes.last()
	j, err := journal.Create(ringBytes, size.Rows, size.Cols)
	if err != nil {
		s.log.Warn("shell will end with this process", "err", err)
		return
	}
	s.mu.Lock()
	s.journal, s.birth = j, birthOf(s.pid)
	for id, v := range s.viewers { // a recorder
		v.slot = j.Viewer(id, v.number)
		v.slot.SetState(v.number, v.canType, v.hidden)
	}
	s.mu.Unlock()
	s.keep()
}

// keep gives the keeper the shell's data if they have changed, unless the next process may have the shell already.
func (s *Shell) keep() { s.keepData(false) }

// keepData keeps the data of a shell that is left to the next process only if last.
func (s *Shell) keepData(last bool) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	s.mu.Lock()
	data, err := json.Marshal(s.data())
	gone, ended := s.journal == nil || s.left && !last || s.removed, s.exit != nil
	s.mu.Unlock()
	if gone || bytes.Equal(data, s.kept) {
		return
	}
	k := Kept{ID: s.id, Data: data, Files: []*os.File{s.journal.File()}}
	if !ended {
		k.Pid, k.Files = s.pid, append(k.Files, s.terminal.ptmx, s.terminal.tty)
		if s.attachment.Keep != nil {
			k.Files = append(k.Files, s.attachment.Keep)
		}
	}
	if err == nil {
		err = s.keeper.Keep(k)
	}
	if err != nil {
		s.log.Warn("shell's data not kept", "err", err)
		return
	}
	s.kept = data
}

// data requires s.mu.
func (s *Shell) data() keptData {
	d := keptData{
		Version: keptVersion,
		Kind:    s.program.Kind,
		Right:   s.right,
		Name:    s.name,
		Birth:   s.birth,
		Started: s.started,
		Order:   s.order,
		Exit:    s.exit,
	}
	if s.exit != nil {
		d.Dir = cmp.Or(s.dir, s.screen.Dir())
		return d
	}
	if s.recording != nil && s.recording.file != nil {
		d.Recording = s.recording.file.ID()
	}
	d.Activity = s.activity.kept()
	return d
}

// parseData checks the data of a kept shell.
func parseData(k Kept) (d keptData, err error) {
	if err := json.Unmarshal(k.Data, &d); err != nil {
		return d, fmt.Errorf("read kept data: %w", err)
	}
	if d.Version != keptVersion {
		return d, fmt.Errorf("kept data have version %d, not %d", d.Version, keptVersion)
	}
	n := len(k.Files)
	if k.ID == "" || n == 0 || d.Exit == nil && (k.Pid <= 1 || n <= keptTTY || n > keptAttachment+1) {
		return d, fmt.Errorf("kept shell %q has process %d and %d files", k.ID, k.Pid, len(k.Files))
	}
	return d, nil
}

// keepEnded leaves the output of an ended shell with the keeper.
func (s *Shell) keepEnded() {
	s.mu.Lock()
	if s.journal != nil {
		s.syncScreen()
		s.saveScreen(journal.Whole)
	}
	s.mu.Unlock()
	s.keep()
}

// drop makes the keeper forget the shell, which has ended and is removed.
func (s *Shell) drop() {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if s.journal != nil {
		s.keeper.Drop(s.id)
		s.journal.Close()
	}
}
