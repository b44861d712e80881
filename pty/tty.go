package pty

import (
	"errors"
	"fmt"
	"os"

	creack "github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal is both ends of a pseudo-terminal: ptmx is ours, tty the program's.
//
// The tty stays open here although only the program reads it: so a program that closes and reopens its terminal does
// not look ended, and unread input can be inspected and flushed from the reading side.
type terminal struct{ ptmx, tty *os.File }

// OpenTerminal opens a pseudo-terminal without a shell. The caller closes both ends.
func OpenTerminal() (ptmx, tty *os.File, err error) {
	t, err := openTerminal(Size{Rows: 24, Cols: 80})
	if err != nil {
		return nil, nil, err
	}
	return t.ptmx, t.tty, nil
}

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

// pollable duplicates f's descriptor for Go's poller. creack/pty leaves it in blocking mode, in which Close does not
// interrupt a Read, deadlines have no effect, and every shell costs a thread.
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

// resize sets the size; the kernel sends the program SIGWINCH.
func (t *terminal) resize(size Size) error {
	winsize := &unix.Winsize{Row: uint16(size.Rows), Col: uint16(size.Cols)}
	return control(t.ptmx, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, winsize)
	})
}

// exclude makes the kernel refuse further opens of the tty, even by /dev/tty, except by root (ioctl_tty(2), TIOCEXCL).
// Open descriptors keep working.
func (t *terminal) exclude() error {
	err := control(t.tty, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) })
	if err != nil {
		return fmt.Errorf("reserve the terminal: %w", err)
	}
	return nil
}

// foreground is the terminal's foreground process group, 0 if there is none.
func (t *terminal) foreground() (group int) {
	control(t.ptmx, func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return max(0, group)
}

// size is the size that the kernel knows.
func (t *terminal) size() (size Size, err error) {
	err = control(t.ptmx, func(fd int) error {
		w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err == nil {
			size = Size{int(w.Row), int(w.Col)}
		}
		return err
	})
	return size, err
}

// mode returns the terminal's settings.
func (t *terminal) mode() (mode *unix.Termios, err error) {
	err = control(t.tty, func(fd int) (err error) {
		mode, err = unix.IoctlGetTermios(fd, ioctlGetTermios)
		return err
	})
	return mode, err
}

// signalAt returns the index of the first byte of b that the terminal would turn into a signal, discarding unread
// input: usually ^C, ^\, or ^Z. It is -1 if there is none, or the program has disabled that.
func (t *terminal) signalAt(b []byte) int {
	mode, err := t.mode()
	if err != nil || mode.Lflag&unix.ISIG == 0 || mode.Lflag&unix.NOFLSH != 0 {
		return -1
	}
	for i, c := range b {
		if c == disabledChar {
			continue
		}
		if c == mode.Cc[unix.VINTR] || c == mode.Cc[unix.VQUIT] || c == mode.Cc[unix.VSUSP] {
			return i
		}
	}
	return -1
}

// unread reports whether the terminal holds input that the program has not read. (Polling waits until the kernel has
// moved it there.)
func (t *terminal) unread() bool {
	poll := []unix.PollFd{{Events: unix.POLLIN}}
	control(t.tty, func(fd int) error {
		poll[0].Fd = int32(fd)
		_, err := unix.Poll(poll, 0)
		return err
	})
	return poll[0].Revents&unix.POLLIN != 0
}

// write writes b until the write deadline, and tells y before and after each write(2).
func (t *terminal) write(b []byte, y *typing) (n int, err error) {
	conn, err := t.ptmx.SyscallConn()
	if err != nil {
		return 0, err
	}
	var fault error
	err = conn.Write(func(fd uintptr) bool {
		for n < len(b) && fault == nil {
			y.begin()
			sent, err := unix.Write(int(fd), b[n:])
			y.wrote(max(sent, 0))
			n += max(sent, 0)
			switch {
			case errors.Is(err, unix.EAGAIN):
				return false // until the terminal has room
			case err != nil && !errors.Is(err, unix.EINTR):
				fault = err
			}
		}
		return true
	})
	if err == nil {
		err = fault
	}
	return n, err
}

// readNow reads the available bytes without waiting.
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

// control calls fn with f's descriptor, which stays open during the call. (File.Fd does not guarantee that, and takes
// the file from the poller.)
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
