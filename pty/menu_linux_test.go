package pty

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// inquirer is a menu as programs of Node and Python draw it: without a cursor, in the normal screen. Down moves the
// choice, Enter ends it. With seconds as its argument, it draws again after these, as top does.
const inquirer = `
import os, select, sys, termios, tty
every = float(sys.argv[1]) if len(sys.argv) > 1 else None
before = termios.tcgetattr(0)
tty.setraw(0)
at = 0
def draw():
    rows = ["? Which package manager? (Use arrow keys)"] + [("> " if i == at else "  ") + name
        for i, name in enumerate(["npm", "pnpm", "yarn"])]
    os.write(1, b"\r\x1b[J" + "\r\n".join(rows).encode() + b"\x1b[3A\r")
os.write(1, b"\x1b[?25l")
draw()
while True:
    if not select.select([0], [], [], every)[0]:
        draw()
        continue
    key = os.read(0, 8)
    if key == b"\r":
        break
    at = (at + 1) % 3
    draw()
os.write(1, b"\r\x1b[J\x1b[?25h")
termios.tcsetattr(0, termios.TCSADRAIN, before)
print("chosen", at)
`

// chooses opens a shell with the menu in its directory.
func chooses(t *testing.T) (s *Shell, script string) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3")
	}
	script = filepath.Join(t.TempDir(), "menu.py")
	testkit.Must(t, os.WriteFile(script, []byte(inquirer), 0o600))
	s = open(t, "/bin/bash", "--norc", "-i")
	becomes(t, s, Quiet)
	return s, script
}

// A menu waits, although it hides the cursor: for each key, and once for all sizes.
func TestMenu_Waits(t *testing.T) {
	t.Parallel()
	s, script := chooses(t)
	typeIn(t, s, "python3 "+script+"\r")
	first := becomes(t, s, Waiting)
	if first.Asks != "? Which package manager? (Use arrow keys)" || first.Command != "python3" {
		t.Errorf("a menu is %+v", first)
	}
	typeIn(t, s, "\x1b[B")
	var second State
	testkit.Eventually(t, "waiting for the next key", func() bool {
		second = s.State()
		return second.Doing == Waiting && second.Since.After(first.Since)
	})
	testkit.Must(t, s.Answer(testkit.Context(t), "enter", second.Since))
	becomes(t, s, Finished)
}

// A program that draws on its own has no menu, however slowly it draws.
func TestMenu_DrawsOnItsOwn(t *testing.T) {
	t.Parallel()
	s, script := chooses(t)
	typeIn(t, s, "python3 "+script+" 5\r")
	becomes(t, s, Waiting) // until it has drawn again
	becomes(t, s, Running)
	testkit.Eventually(t, "a rest that is long enough", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		a := &s.activity
		if a.state.Doing == Waiting {
			t.Errorf("a program that draws every 5 s is %+v", a.state)
		}
		return t.Failed() || a.redraws.After(a.typed) && time.Since(a.printed) > menuPause
	})
}

// A bell, or a question, in a pane of tmux calls until the next key, also while its clock is drawn.
func TestState_Tmux(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("needs tmux")
	}
	s := open(t, "/bin/bash", "--norc", "-i")
	becomes(t, s, Quiet)
	conf := filepath.Join(t.TempDir(), "conf")
	settings := "set -g status-interval 1\nset -g status-right '%S'\nset -g default-command 'bash --norc'\n"
	testkit.Must(t, os.WriteFile(conf, []byte(settings), 0o600))
	socket := filepath.Join(filepath.Dir(conf), "socket")
	t.Cleanup(func() {
		exec.Command("tmux", "-S", socket, "kill-server").Run() //nolint:errcheck // it has ended if the test succeeds
	})
	typeIn(t, s, "TERM=xterm-256color tmux -S "+socket+" -f "+conf+" new\r")
	testkit.Eventually(t, "the alternate screen", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.syncScreen()
		return s.screen.Modes().Alternate
	})
	typeIn(t, s, `sleep 1; printf '\a'; read it`+"\r") // later than the answer to a key
	rang := becomes(t, s, Waiting)
	drawnAgain(t, s, func() {})
	if now := s.State(); now != rang {
		t.Errorf("after the clock it is %+v, not %+v", now, rang)
	}
	typeIn(t, s, "\r")
	becomes(t, s, Running)
	typeIn(t, s, `read -p 'Con''tinue? [y/N] ' it`+"\r")
	asked := becomes(t, s, Waiting)
	if asked.Asks != "Continue? [y/N]" {
		t.Errorf("a question in a pane is %+v", asked)
	}
	drawnAgain(t, s, func() {})
	if now := s.State(); now != asked {
		t.Errorf("after the clock it is %+v, not %+v", now, asked)
	}
	typeIn(t, s, "y\rexit\r")
	becomes(t, s, Finished)
}

// drawnAgain draws, and waits until there was more output, and the state was worked out after it.
func drawnAgain(t *testing.T, s *Shell, draw func()) {
	t.Helper()
	s.mu.Lock()
	before := s.activity.printed
	s.mu.Unlock()
	draw()
	testkit.Eventually(t, "more output, and a rest", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.activity.printed.After(before) && s.activity.rested.Equal(s.activity.printed)
	})
}
