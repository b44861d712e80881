package pty

import (
	"strings"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// waitsAfter runs a script until it waits.
func waitsAfter(t *testing.T, script string) State {
	t.Helper()
	s := open(t, "/bin/bash", "--norc", "-i")
	becomes(t, s, Quiet)
	typeIn(t, s, script+"\r")
	return becomes(t, s, Waiting)
}

// A program that asks waits, whatever the question looks like, if it reads the answer.
func TestQuestion_Reads(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`sh -c 'printf "package name: (con""voy) "; read it'`:             "package name: (convoy)",
		`read -p "Em""bark? " it`:                                         "Embark?",
		`bash -c 'read -p "Is this OK? (y""es) " it'`:                     "Is this OK? (yes)",
		`bash -c 'read -p "Pick o""ne [1-3], q quits " it'`:               "Pick one [1-3], q quits",
		`bash -c 'read -s -p "[su""do] password for ann: " it'`:           "[sudo] password for ann:",
		`bash -c 'read -s -n 1 -p "Hit a""ny key " it'`:                   "Hit any key",
		`sh -c 'printf "Na""me: "; cat | cat'`:                            "Name:",
		`sh -c 'printf "Na""me: "; sleep 1; read it'`:                     "Name:",
		`bash -c 'read -t 600 -p "Overwrite[n/""Y]: " it'`:                "Overwrite[n/Y]:",
		`sh -c 'printf "Delete every""thing? Type yes to confirm "; cat'`: "Delete everything? Type yes to confirm",
	} {
		if got := waitsAfter(t, script); got.Asks != want {
			t.Errorf("%s asks %q, want %q", script, got.Asks, want)
		}
	}
}

// A program that reports what it does does not wait, nor does one at whose line someone types.
func TestQuestion_Works(t *testing.T) {
	t.Parallel()
	for _, script := range []string{
		`sh -c 'printf "Compil""ing: "; sleep 600; read it'`,
		`sh -c 'printf "Is it th""ere? "; sleep 600 | cat'`,
		`sh -c 'printf "Count""ing: "; while :; do :; done'`,
		`sh -c 'PS1="in""ner# " exec sh -i'`,
	} {
		s := open(t, "/bin/bash", "--norc", "-i")
		becomes(t, s, Quiet)
		typeIn(t, s, script+"\r")
		rested(t, s, "ing: ", "there? ", "inner# ")
		if got := s.State(); got.Doing != Running {
			t.Errorf("%s is %+v", script, got)
		}
	}
	s := open(t, "/bin/bash", "--norc", "-i")
	becomes(t, s, Quiet)
	typeIn(t, s, "cat\r")
	becomes(t, s, Running)
	for late := true; late; { // what is echoed later than that is no echo
		drawnAgain(t, s, func() { typeIn(t, s, "half a li:") })
		s.mu.Lock()
		late = s.activity.printed.Sub(s.activity.typed) >= bellPause
		s.mu.Unlock()
	}
	if got := s.State(); got.Doing != Running {
		t.Errorf("a line that someone types is %+v", got)
	}
}

// rested waits until the shell's state was worked out from a line that ends with one of the texts.
func rested(t *testing.T, s *Shell, ends ...string) {
	t.Helper()
	testkit.Eventually(t, "rest", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.syncScreen()
		line := s.screen.BeforeCursor()
		for _, end := range ends {
			if strings.HasSuffix(line, strings.TrimSpace(end)) && s.activity.rested.Equal(s.activity.printed) {
				return true
			}
		}
		return false
	})
}

// What a program at the end of a connection marks does not outlive it; the marks of the shell itself do.
func TestState_MarksOfAnother(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/bash", "--norc", "-i")
	becomes(t, s, Quiet)
	path, openGate := gate(t)
	typeIn(t, s, `sh -c 'printf "\033]133;A\a\033]133;B\a\033]133;C\a\033]9;4;1;50\a"; read it <`+path+"'\r")
	testkit.Eventually(t, "its progress", func() bool {
		state := s.State()
		return state.Doing == Running && state.Progress.Percent == 50
	})
	openGate()
	ends(t, s)
	typeIn(t, s, `sh -c 'exec cat'`+"\r")
	if got := becomes(t, s, Running); got.Progress.State != 0 {
		t.Errorf("the next program has the progress of the last one: %+v", got)
	}
}

// A program that begins long after the last output is found.
func TestState_BeginsInSilence(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/bash", "--norc", "-i")
	path, openGate := gate(t)
	drawnAgain(t, s, func() { typeIn(t, s, "read it <"+path+"; sleep 600\r") })
	openGate()
	if got := becomes(t, s, Running); got.Command != "sleep" {
		t.Errorf("it runs %q", got.Command)
	}
}

// A key ends the waiting of a shell that reads nothing, also without its echo.
func TestState_KeyForNobody(t *testing.T) {
	t.Parallel()
	s := run(t, `stty -echo; printf '\a'; exec sleep 600`)
	becomes(t, s, Waiting)
	testkit.Eventually(t, "a look that is put off", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.activity.doubtful && s.activity.timer.Reset(time.Hour)
	})
	typeIn(t, s, "x")
	becomes(t, s, Quiet)
}

// A key for a question does not answer the next one, which is printed but not yet known.
func TestAnswer_NextQuestion(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/bash", "--norc", "-i")
	becomes(t, s, Quiet)
	path, openGate := gate(t)
	typeIn(t, s, `bash -c 'printf "Fi""rst? [y/N] "; read it <`+path+`; read -p "Del""ete all? [y/N] " it'`+"\r")
	since := becomes(t, s, Waiting).Since
	openGate()
	testkit.Eventually(t, "the next question", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.activity.printed.After(since)
	})
	if err := s.Answer(testkit.Context(t), "y", since); err == nil {
		t.Error("the answer to the first question was typed to the second")
	}
	testkit.Eventually(t, "waiting again", func() bool { return strings.HasSuffix(s.State().Asks, "Delete all? [y/N]") })
}
