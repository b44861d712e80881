package pty

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	// titlePause is how long a change of the title waits for further ones.
	titlePause = 300 * time.Millisecond
	// maxTitle bounds a title, in letters.
	maxTitle = 120
)

// Info says what a shell is at one moment.
type Info struct {
	ID      string // ten letters and digits
	Title   string // what the program calls it (OSC 0, 2), or else the program's name
	Program string // the program's name
	Kind    string // Program.Kind
	Right   string // Place.Right
	PID     int    // 0 if the program could not be started
	Dir     string // its working directory, or else what OSC 7 told; "" if unknown. After the end: the last one known
	Busy    string // what runs in the foreground, if it is not the program itself
	Started time.Time
	Active  time.Time // when something was typed or put out last
	Size    Size
	End     int64 // offset after the last byte put out
	Viewers int   // how many are attached
	Running bool
	Exit    *Exit // nil while it runs

	Recording bool // it is being recorded
}

// Kind is the kind of the shell's program.
func (s *Shell) Kind() string { return s.program.Kind }

// Right says in whose name the shell acts: Place.Right, or what SetRight said last.
func (s *Shell) Right() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.right
}

// SetRight says in whose name the shell acts from now on.
func (s *Shell) SetRight(right string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.right = right
}

// Info says what the shell is now.
func (s *Shell) Info() Info {
	info := s.info()
	if info.Running && info.PID > 0 {
		if group := s.terminal.foreground(); group > 0 && group != info.PID {
			info.Busy = command(group)
		}
		if dir := workDir(info.PID); dir != "" {
			info.Dir = dir
		}
	}
	return info
}

// workDir is a process's working directory; "" if the system does not tell.
func workDir(pid int) string {
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return ""
	}
	return dir
}

// noteDir keeps the working directory before something is typed that may end the
// program: afterwards nobody knows it.
func (s *Shell) noteDir(typed []byte) {
	if !bytes.ContainsAny(typed, "\r\x04") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exit == nil {
		s.dir = workDir(s.pid)
	}
}

// info is Info without what the system knows.
func (s *Shell) info() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := Info{
		ID:        s.id,
		Title:     s.program.name(),
		Program:   s.program.name(),
		Kind:      s.program.Kind,
		Right:     s.right,
		PID:       s.pid,
		Dir:       s.screen.Dir(),
		Started:   s.started,
		Active:    s.active,
		Size:      s.sizes.last(),
		End:       s.ring.end,
		Running:   s.exit == nil,
		Recording: s.recording != nil,
	}
	if s.exit != nil && s.dir != "" {
		info.Dir = s.dir
	}
	if title := clip(s.screen.Title()); title != "" {
		info.Title = title
	}
	s.lookAround()
	info.Viewers = s.there.count
	if s.exit != nil {
		exit := *s.exit
		info.Exit = &exit
	}
	return info
}

// clip is a title without blanks around it and at most maxTitle letters long.
func clip(title string) string {
	title = strings.TrimSpace(title)
	n := 0
	for i := range title {
		if n++; n > maxTitle {
			return title[:i] + "…"
		}
	}
	return title
}

// command is the name of a process, as the kernel keeps it; "another program" where
// it does not tell.
func command(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || len(name) < 2 {
		return "another program"
	}
	return strings.ToValidUTF8(strings.TrimSpace(string(name)), "?")
}

// running reports that the program has not ended.
func (s *Shell) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exit == nil
}

// idle is since when nothing was typed or put out, with nobody there; the zero time
// while somebody is, and after the end. A recorder is nobody.
func (s *Shell) idle() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookAround()
	if s.exit != nil || s.there.count > 0 {
		return time.Time{}
	}
	return s.active
}

// noteOutput takes note that something was put out, and of a new title. The shell
// is locked.
func (s *Shell) noteOutput() {
	s.active = time.Now()
	if title := s.screen.Title(); title != s.title {
		s.title = title
		if s.telling == nil {
			s.telling = time.AfterFunc(titlePause, s.tellTitle)
		}
	}
}

func (s *Shell) tellTitle() {
	s.mu.Lock()
	s.telling = nil
	s.mu.Unlock()
	s.onChange()
}
