package pty

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"convoy/internal/testkit"
	"convoy/pty/screen"
)

// becomes waits for a state of the shell, and returns it.
func becomes(t *testing.T, s *Shell, want Doing) (state State) {
	t.Helper()
	defer func() {
		if t.Failed() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Logf("it is %+v, and the screen %q:\n%+v", state, s.draw(0), s.activity)
		}
	}()
	testkit.Eventually(t, string(want), func() bool {
		state = s.Info().State
		return state.Doing == want
	})
	return state
}

// ends waits until no command runs or asks. On a busy machine, a short one may count as finished.
func ends(t *testing.T, s *Shell) {
	t.Helper()
	testkit.Eventually(t, "the command's end", func() bool {
		doing := s.Info().State.Doing
		return doing == Quiet || doing == Finished
	})
}

// The shell of a system without marks: programs in the foreground run, questions wait, keys end the waiting.
func TestState_Foreground(t *testing.T) {
	t.Parallel()
	s := open(t, "/bin/bash", "--norc", "-i")
	becomes(t, s, Quiet)
	typeIn(t, s, "cat\r")
	if got := becomes(t, s, Running); got.Command != "cat" || got.Since.IsZero() {
		t.Errorf("cat is %+v", got)
	}
	typeIn(t, s, "\x04")
	ends(t, s)
	typeIn(t, s, `sh -c 'printf "Con''tinue? [y/N] "; read answer; printf "\033]9;4;1;30\a"; read rest'`+"\r")
	if got := becomes(t, s, Waiting); got.Asks != "Continue? [y/N]" || got.Command != "sh" {
		t.Errorf("a question is %+v", got)
	}
	typeIn(t, s, "y\r")
	testkit.Eventually(t, "the progress", func() bool {
		state := s.Info().State
		return state.Doing == Running && state.Progress == screen.Progress{State: screen.ProgressNormal, Percent: 30}
	})
	typeIn(t, s, "\x03")
	ends(t, s)
}

// runBusy runs a script with sh. busy is what its shell reports about itself.
func runBusy(t *testing.T, script string, busy func() (string, bool)) *Shell {
	t.Helper()
	config := Config{Programs: programs("/bin/sh", "-c", script)}
	config.Programs[0].Attach = func(func() string) (Attachment, error) {
		return Attachment{Close: func() {}, Busy: busy}, nil
	}
	s, err := newTable(t, config).Open(size)
	testkit.Must(t, err)
	return s
}

// The state after the last output is that of a program that was in the foreground after it.
func TestState_OutputDuringALook(t *testing.T) {
	t.Parallel()
	path, openGate := gate(t)
	looks, goOn := make(chan bool, 1), make(chan bool)
	busy := func() (string, bool) {
		select {
		case looks <- true:
			<-goOn // this look takes its time
			return "a command", true
		default:
			return "", true
		}
	}
	s := runBusy(t, "echo begins; read x < "+path+"; echo ends; exec cat", busy)
	<-looks
	looks <- true // the others are quick
	openGate()
	watch(t, s, options{name: "v"}).see("ends")
	testkit.Eventually(t, "a rest", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return time.Since(s.activity.printed) > lookPause
	})
	close(goOn)
	testkit.Eventually(t, "another look", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.activity.timer == nil && s.activity.program == ""
	})
}

// A program that a key has ended has finished after the key, also if a look comes before its last output is read.
func TestState_EndsBeforeItsOutput(t *testing.T) {
	t.Parallel()
	var done atomic.Bool
	busy := func() (string, bool) {
		if done.Load() {
			return "", true
		}
		return "a command", true
	}
	s := runBusy(t, "stty raw -echo; echo begins; exec cat >/dev/null", busy)
	watch(t, s, options{name: "v"}).see("begins")
	becomes(t, s, Running)
	testkit.Eventually(t, "a command that is not brief", func() bool { return time.Since(s.State().Since) > briefCommand })
	done.Store(true)
	typeIn(t, s, "\r")
	s.lookSoon()
	becomes(t, s, Finished)
}

// marks make bash report its prompts and commands (OSC 133).
const marks = `PS0='\e]133;C\a'; PROMPT_COMMAND='printf "\e]133;D;$?\a\e]133;A\a"'; PS1='$ \[\e]133;B\a\]'` + "\n"

// A shell that marks its commands has exact ends, also of those that it runs itself.
func TestState_Marks(t *testing.T) {
	t.Parallel()
	rc := filepath.Join(t.TempDir(), "rc")
	testkit.Must(t, os.WriteFile(rc, []byte(marks), 0o600))
	s := open(t, "/bin/bash", "--rcfile", rc, "-i")
	becomes(t, s, Quiet)
	typeIn(t, s, "read -p 'Pass''word: ' it; (exit 3)\r")
	if got := becomes(t, s, Waiting); got.Asks != "Password:" || got.Command != "bash" {
		t.Errorf("a builtin that asks is %+v", got)
	}
	typeIn(t, s, "x\r")
	if got := becomes(t, s, Finished); got.Exit != 3 || got.Took <= 0 || got.Command != "" {
		t.Errorf("a failed command is %+v", got)
	}
	typeIn(t, s, "\r")
	becomes(t, s, Quiet)
	typeIn(t, s, "exit 4\r")
	testkit.Eventually(t, "the shell's end", func() bool { return !s.Info().Running })
	if got := becomes(t, s, Finished); got.Exit != 4 {
		t.Errorf("the end of a shell is %+v", got)
	}
}

// Whatever a program uses to call someone, it waits until the next key or output.
func TestState_Calls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ print, asks string }{
		{`\a`, ""},
		{`working...\n\a`, ""},
		{`\033]9;tests failed\a`, "tests failed"},
		{`\033]777;notify;make;ready\a`, "make: ready"},
		{`\033]99;;Hello\033\\\\`, "Hello"},
		{`\aNow type your name`, ""},
	} {
		script := "printf '" + test.print + "'; read it; printf 'thanks\n'; exec cat"
		table := newTable(t, Config{Programs: programs("/bin/sh", "-c", script)})
		s, err := table.Open(size)
		testkit.Must(t, err)
		if got := becomes(t, s, Waiting); got.Asks != test.asks {
			t.Errorf("%s asks %q, want %q", test.print, got.Asks, test.asks)
		}
		changed := table.Changed()
		typeIn(t, s, "\r")
		<-changed
		becomes(t, s, Quiet)
	}
}

func TestState_Questions(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"Continue? [y/N]": true, "Password:": true, "[sudo] password for ann:": true, "Really?": true,
		"Proceed ([y]/n)?": true, "Do you want to continue? [Y/n]": true, "Delete (yes/no)": true,
		"Are you sure (yes/no/[fingerprint])?": true, "Press any key to continue . . .": true,
		"Press ENTER to continue": true, "Sure [n/Y]": true, "Fix<y/n>": true, "Hit return": true, "Overwrite? y/n": true,
		"": false, "100%": false, "[1/5]": false, "(1/5)": false,
		"$": false, ">>>": false, "compiling": false, "~": false,
	} {
		if got := (answerLine.MatchString(line) || colonLine.MatchString(line)); got != want {
			t.Errorf("%q is a question: %t", line, got)
		}
	}
}

// Commands and their marks arrive in any pieces: the end belongs to the command that it ends.
func TestState_TypedAhead(t *testing.T) {
	t.Parallel()
	var a activity
	model := screen.New(24, 80, 0)
	at := time.Now()
	feed := func(output string, after time.Duration) {
		at = at.Add(after)
		model.Write([]byte(output))
		a.take(model.Signals(), model.Prompt(), at)
	}
	feed("\x1b]133;D;1\a\x1b]133;A\a\x1b]133;B\a", 0) // before the first command
	if !a.ended.IsZero() {
		t.Error("a command has ended before one began")
	}
	feed("\x1b]133;C\a", time.Second)
	feed("\x1b]133;D;0\a\x1b]133;A\a\x1b]133;B\a\x1b]133;C\a", 5*time.Second) // the next one was typed ahead
	if a.took != 5*time.Second || !a.began.Equal(at) {
		t.Errorf("the first took %v", a.took)
	}
	feed("\x1b]133;D;7\a\x1b]133;C\a\x1b]133;D;2\a", time.Second)
	if a.exit != 2 || !a.began.IsZero() {
		t.Errorf("exit %d, began %v", a.exit, a.began)
	}
	if a.stateOf(false).Doing != Finished {
		t.Error("it has not finished")
	}
}
