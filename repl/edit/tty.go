package edit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// escapeTime is how long an incomplete key waits for its end. Then an escape is the Escape key.
const escapeTime = 50 * time.Millisecond

// tty is a terminal (termios(3)).
type tty struct {
	in, out *os.File
	before  unix.Termios // original settings
}

func openTTY(in, out *os.File) (*tty, error) {
	mode, err := unix.IoctlGetTermios(int(in.Fd()), getTermios)
	if err != nil {
		return nil, fmt.Errorf("no terminal to edit on: %w", err)
	}
	return &tty{in, out, *mode}, nil
}

// set disables echo and line buffering. Ctrl-C is a key while a line is edited, otherwise a signal. Unread keys stay in
// the terminal.
func (t *tty) set(editing bool) error {
	mode := t.before
	mode.Iflag &^= unix.ICRNL | unix.INLCR | unix.IGNCR | unix.IXON | unix.ISTRIP
	mode.Lflag &^= unix.ICANON | unix.ECHO | unix.IEXTEN | unix.ISIG
	if !editing {
		mode.Lflag |= unix.ISIG
	}
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	mode.Cc[unix.VSUSP], mode.Cc[unix.VQUIT] = disabled, disabled // no suspend or quit keys in this mode
	return unix.IoctlSetTermios(int(t.in.Fd()), setTermios, &mode)
}

// restore restores the original settings.
func (t *tty) restore() error { return unix.IoctlSetTermios(int(t.in.Fd()), setTermios, &t.before) }

// size is the size in rows and columns, 24 × 80 if unknown.
func (t *tty) size() (rows, cols int) {
	size, err := unix.IoctlGetWinsize(int(t.out.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Row == 0 || size.Col == 0 {
		return 24, 80
	}
	return int(size.Row), int(size.Col)
}

// alarm wakes a wait for keys at a resize and at the end of a context.
type alarm struct {
	read, write *os.File
	stop        func()
}

func newAlarm(ctx context.Context) (*alarm, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	changed, quit := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(changed, syscall.SIGWINCH)
	ended := make(chan struct{})
	go func() { // ends with stop
		defer close(ended)
		over := ctx.Done()
		for {
			select {
			case <-changed:
			case <-over:
				over = nil
			case <-quit:
				return
			}
			write.Write([]byte{0}) //nolint:errcheck // the reader is this process
		}
	}()
	return &alarm{read, write, func() {
		signal.Stop(changed)
		close(quit)
		<-ended
		read.Close()
		write.Close()
	}}, nil
}

// wait waits for keys or the alarm, up to limit; a negative limit is none.
func (t *tty) wait(a *alarm, limit time.Duration) (keys, alarmed bool, err error) {
	fds := []unix.PollFd{{Fd: int32(t.in.Fd()), Events: unix.POLLIN}, {Fd: int32(a.read.Fd()), Events: unix.POLLIN}}
	ms := -1
	if limit >= 0 {
		ms = int(limit / time.Millisecond)
	}
	for {
		_, err := unix.Poll(fds, ms)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return fds[0].Revents != 0, fds[1].Revents != 0, err
	}
}

// more reports whether keys arrive within limit.
func (t *tty) more(limit time.Duration) bool {
	fds := []unix.PollFd{{Fd: int32(t.in.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(limit/time.Millisecond))
	return n > 0 && err == nil && fds[0].Revents&unix.POLLIN != 0
}

// read reads the available keys.
func (t *tty) read() ([]byte, error) {
	buf := make([]byte, 4096)
	n, err := unix.Read(int(t.in.Fd()), buf)
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return nil, nil
	case n <= 0: // hung up
		return nil, io.EOF
	}
	return buf[:n], nil
}

// clear resets the alarm.
func (a *alarm) clear() {
	a.read.Read(make([]byte, 64)) //nolint:errcheck // there is something
}
