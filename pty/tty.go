package pty

import (
	"fmt"
	"os"

	creack "github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal is both ends of a pseudo-terminal. ptmx is ours, tty the program's.
//
// The tty stays open here too, although only the program reads it: so a program
// that closes its terminal and opens it again later does not look like the end,
// and what is typed can be looked at and flushed from the reading side.
type terminal struct{ ptmx, tty *os.File }

// OpenTerminal opens a pseudo-terminal that is no shell's. The caller closes both ends.
func OpenTerminal() (ptmx, tty *os.File, err error) {
	t, err := openTerminal(Size{Rows: 24, Cols: 80})
	if err != nil {
		return nil, nil, err
	}
	return t.ptmx, t.tty, nil
}

// openTerminal opens a pseudo-terminal of that size.
func openTerminal(size Size) (*terminal, error) {
	blocking, tty, err := creack.Open()
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	defer blocking.Close()
	ptmx, err := pollable(blocking)
	if err != nil {
		tty.Close()
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	t := &terminal{ptmx, tty}
	if err := t.resize(size); err != nil {
		t.close()
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	return t, nil
}

// pollable opens f's ptmx once more for Go's poller. creack/pty leaves it in
// blocking mode, where Close does not end a Read, deadlines do nothing, and
// every shell costs a thread.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

func (t *terminal) close() {
	t.ptmx.Close()
	t.tty.Close()
}

// resize sets the size; the kernel tells the program with SIGWINCH.
func (t *terminal) resize(size Size) error {
	winsize := &unix.Winsize{Row: uint16(size.Rows), Col: uint16(size.Cols)}
	return control(t.ptmx, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, winsize)
	})
}

// exclude has the kernel refuse to open the tty any more, also by /dev/tty, but for those who administer the system
// (ioctl_tty(2), TIOCEXCL). What is open goes on.
func (t *terminal) exclude() error {
	err := control(t.tty, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) })
	if err != nil {
		return fmt.Errorf("have a terminal for itself: %w", err)
	}
	return nil
}

// foreground is the process group that the terminal's signals go to, 0 if
// there is none.
func (t *terminal) foreground() (group int) {
	control(t.ptmx, func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return max(0, group)
}

// signalAt is the index of the first byte of b that the terminal would turn
// into a signal and for which it would throw away the input not read yet: ^C,
// ^\ and ^Z as a rule. -1 if there is none, or the program has asked for the
// bytes as they are.
func (t *terminal) signalAt(b []byte) int {
	var mode *unix.Termios
	err := control(t.tty, func(fd int) (err error) {
		mode, err = unix.IoctlGetTermios(fd, ioctlGetTermios)
		return err
	})
	if err != nil || mode.Lflag&unix.ISIG == 0 || mode.Lflag&unix.NOFLSH != 0 {
		return -1
	}
	for i, c := range b {
		if c == noChar {
			continue
		}
		if c == mode.Cc[unix.VINTR] || c == mode.Cc[unix.VQUIT] || c == mode.Cc[unix.VSUSP] {
			return i
		}
	}
	return -1
}

// unread reports whether input lies in the terminal that the program could read
// and has not. (Polling waits for the kernel to have moved it there.)
func (t *terminal) unread() bool {
	poll := []unix.PollFd{{Events: unix.POLLIN}}
	control(t.tty, func(fd int) error {
		poll[0].Fd = int32(fd)
		_, err := unix.Poll(poll, 0)
		return err
	})
	return poll[0].Revents&unix.POLLIN != 0
}

// readNow reads what is there without waiting for more.
func (t *terminal) readNow(b []byte) (n int, err error) {
	conn, err := t.ptmx.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := conn.Read(func(fd uintptr) bool {
		n, err = unix.Read(int(fd), b)
		return true
	})
	if controlErr != nil {
		return 0, controlErr
	}
	return max(0, n), err
}

// control calls fn with f's descriptor, which stays open as long as fn runs.
// (File.Fd gives no such promise, and takes the file from the poller.)
func control(f *os.File, fn func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if controlErr := conn.Control(func(fd uintptr) { err = fn(int(fd)) }); controlErr != nil {
		return controlErr
	}
	return err
}
