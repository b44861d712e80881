package pty

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"
)

const (
	// titlePause is how long a title change waits for more.
	titlePause = 300 * time.Millisecond
	// maxTitle limits a title, in characters.
	maxTitle = 120
)

// Info describes a shell at one moment.
type Info struct {
	ID      string // ten letters and digits
	Title   string // from Rename, or set by the program (OSC 0, 2), or its name
	Program string // the program's name
	Kind    string // Program.Kind
	Right   string // OpenOptions.Right
	PID     int    // 0 if the program could not be started
	Dir     string // working directory of the program, or from OSC 7; "" if unknown. After the end: the last known one
	Busy    string // the foreground process, if it is not the program
	Started time.Time
	Active  time.Time // last input or output
	Size    Size
	End     int64 // offset after the last byte of output
	Viewers int   // attached viewers
	Running bool
	Exit    *Exit // nil while it runs

	State     State
	Recording bool // is being recorded
}

// Kind is the kind of the shell's program.
func (s *Shell) Kind() string { return s.program.Kind }

// Right identifies whose rights the shell has: OpenOptions.Right, or the last SetRight.
func (s *Shell) Right() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.right
}

// SetRight changes whose rights the shell has.
func (s *Shell) SetRight(right string) {
	s.mu.Lock()
	s.right = right
	s.mu.Unlock()
	s.keep()
}

// Info returns the shell's state.
func (s *Shell) Info() Info {
	info := s.info()
	if info.Running && info.PID > 0 {
		info.Busy, _ = s.foreground()
		if dir := s.workDir(info.PID); dir != "" {
			info.Dir = dir
		}
	}
	return info
}

// workDir is the program's working directory, "" if unknown.
func (s *Shell) workDir(pid int) string {
	if dir := s.startsIn.Load(); dir != nil {
		return *dir
	}
	return workDir(pid)
}

// workDir is a process's working directory, "" if unknown. If it was removed, it is the path that it had.
func workDir(pid int) string {
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return ""
	}
	if path, marked := strings.CutSuffix(dir, " (deleted)"); marked {
		if _, err := os.Lstat(dir); err != nil {
			return path
		}
	}
	return dir
}

// saveDir keeps the working directory before input that may end the program: afterwards it is unknown.
func (s *Shell) saveDir(typed []byte) {
	if !bytes.ContainsAny(typed, "\r\x04") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exit == nil {
		s.dir = s.workDir(s.pid)
	}
}

// info is Info without data from the system.
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
		State:     s.state(),
		Recording: s.recording != nil,
	}
	if s.exit != nil && s.dir != "" {
		info.Dir = s.dir
	}
	info.Title = cmp.Or(s.name, trimTitle(s.screen.Title()), info.Title)
	s.updateAttendance()
	info.Viewers = s.attendance.count
	if s.exit != nil {
		exit := *s.exit
		info.Exit = &exit
	}
	return info
}

// Rename gives the shell a title for all viewers, instead of the program's: up to 120 characters, without those that
// are not visible. With an empty one, the title is the program's again.
func (s *Shell) Rename(title string) {
	title = trimTitle(strings.ToValidUTF8(title, ""))
	s.mu.Lock()
	s.name = title
	s.mu.Unlock()
	s.onChange()
}

// trimTitle drops what is not visible in a title, such as the characters that reverse the text around them, and limits
// it to maxTitle characters.
func trimTitle(title string) string {
	title = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf) && r != '\u200d' { // which joins emoji
			return -1
		}
		return r
	}, title))
	n := 0
	for i := range title {
		if n++; n > maxTitle {
			return title[:i] + "…"
		}
	}
	return title
}

// processName is a process's name as the kernel keeps it, "another program" if unknown.
func processName(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || len(name) < 2 {
		return "another program"
	}
	return trimTitle(strings.ToValidUTF8(string(name), "?"))
}

func (s *Shell) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exit == nil
}

// idleSince is when the last input or output happened, with no viewers attached; zero while there are some, and after
// the end. A recorder does not count.
func (s *Shell) idleSince() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updateAttendance()
	if s.exit != nil || s.attendance.count > 0 {
		return time.Time{}
	}
	return s.active
}

// recordOutput records the time of output, what it reported, and a new title. It requires s.mu.
func (s *Shell) recordOutput() {
	s.active = time.Now()
	s.journal.SetActive(s.active)
	s.observeOutput()
	if title := s.screen.Title(); title != s.title {
		s.title = title
		if s.titleTimer == nil {
			s.titleTimer = time.AfterFunc(titlePause, s.notifyTitle)
		}
	}
}

func (s *Shell) notifyTitle() {
	s.mu.Lock()
	s.titleTimer = nil
	s.mu.Unlock()
	s.onChange()
}
