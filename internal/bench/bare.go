package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
)

// bareLink is a shell on a pseudo-terminal of this process: nothing carries its bytes.
type bareLink struct {
	cmd  *exec.Cmd
	ptmx *os.File
	out  chan chunk
	stop chan struct{}
	done sync.WaitGroup
	err  error // read it when out is closed
}

func (b *bench) openBare(ctx context.Context) (*way, error) {
	l := &bareLink{cmd: b.place.shell(), out: make(chan chunk, 16), stop: make(chan struct{})}
	var err error
	if l.ptmx, err = pty.StartWithSize(l.cmd, &pty.Winsize{Rows: rows, Cols: cols}); err != nil {
		return nil, err
	}
	l.done.Go(l.read)
	w, err := newWay(ctx, wayBare, l)
	if err == nil {
		w.again = b.openBare
	}
	return w, err
}

func (l *bareLink) read() {
	defer close(l.out)
	var room slab
	for {
		buf := room.get(32 << 10)
		n, err := l.ptmx.Read(buf)
		if err != nil {
			if !errors.Is(err, syscall.EIO) { // EIO is the end
				l.err = err
			}
			return
		}
		select {
		case l.out <- chunk{time.Now(), room.keep(n)}:
		case <-l.stop:
			return
		}
	}
}

func (l *bareLink) Send(_ context.Context, b []byte) error {
	_, err := l.ptmx.Write(b)
	return err
}

func (l *bareLink) Output() <-chan chunk { return l.out }
func (l *bareLink) Err() error           { return l.err }
func (l *bareLink) Drawn(int)            {}

func (l *bareLink) Close() {
	close(l.stop)
	l.cmd.Process.Kill() //nolint:errcheck // it may have ended
	l.cmd.Wait()         //nolint:errcheck // it was killed
	l.done.Wait()
	l.ptmx.Close()
}

// slab hands out buffers of one large piece of memory, so that a reader does not allocate for each little read.
type slab struct{ free []byte }

// get is a buffer of n bytes; keep then keeps its first bytes.
func (s *slab) get(n int) []byte {
	if len(s.free) < n {
		s.free = make([]byte, max(1<<20, n))
	}
	return s.free[:n:n]
}

func (s *slab) keep(n int) []byte {
	kept := s.free[:n:n]
	s.free = s.free[n:]
	return kept
}
