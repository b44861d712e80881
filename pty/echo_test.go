package pty

import (
	"testing"

	"convoy/internal/testkit"
)

// Every program says by the modes of its terminal who echoes; a line editor turns them off while it edits.
func TestEcho(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, script, want string }{
		{"lines", "cat", EchoTerminal},
		{"password", "stty -echo; cat", EchoNone},
		{"keys", "stty -icanon; cat", EchoTerminal},
		{"line editor", "stty -icanon -echo; cat", EchoProgram},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := run(t, test.script)
			testkit.Eventually(t, "echo by the "+test.want, func() bool { return s.Echo() == test.want })
		})
	}
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		s := run(t, "exit")
		<-s.ended
		if got := s.Echo(); got != EchoNone {
			t.Errorf("after the end: %q, want %q", got, EchoNone)
		}
	})
}

// A key counts as echoed by the program only if the program echoed all the time.
func TestEchoDuring(t *testing.T) {
	t.Parallel()
	for _, other := range []string{EchoTerminal, EchoNone} {
		if EchoDuring(other, EchoProgram) != other || EchoDuring(EchoProgram, other) != other {
			t.Errorf("the program counts as the one that echoed, although %q did before or after", other)
		}
	}
	if EchoDuring(EchoProgram, EchoProgram) != EchoProgram {
		t.Error("the program echoed all the time, and does not count")
	}
}
