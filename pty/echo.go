package pty

import "golang.org/x/sys/unix"

// Who echoes typed keys, see [Shell.Echo].
const (
	EchoProgram  = "program"  // reads each key, and draws it or not: a line editor, a full-screen program
	EchoTerminal = "terminal" // the kernel, as soon as a key arrives, even if no program reads it
	EchoNone     = "none"     // nobody: a program reads lines without echo, such as a password
)

// Echo reports who echoes typed keys now: EchoProgram, EchoTerminal, or EchoNone. It is EchoNone once the shell has
// ended.
func (s *Shell) Echo() string {
	if s.terminal == nil {
		return EchoNone
	}
	return s.terminal.echo()
}

// EchoDuring is who may have echoed a key, given who did before it was written, and after. It is EchoProgram only if
// that is both: the terminal echoes what arrives just before a program turns its echo off to read a password.
func EchoDuring(before, after string) string {
	if before == EchoProgram {
		return after
	}
	return before
}

func (t *terminal) echo() string {
	mode, err := t.mode()
	switch {
	case err != nil:
		return EchoNone
	case mode.Lflag&unix.ECHO != 0:
		return EchoTerminal
	case mode.Lflag&unix.ICANON != 0:
		return EchoNone
	}
	return EchoProgram
}
