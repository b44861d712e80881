package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
)

// Messages of ttyd begin with one of these letters, in both directions.
const (
	ttydOutput = '0' // from ttyd
	ttydInput  = '0' // to ttyd
)

// maxMessage bounds a message of ttyd, in bytes. It is more than ttyd reads from a terminal at once.
const maxMessage = 128 << 10

// ttydLink is a shell behind ttyd, without compression, which makes ttyd slower on one machine.
type ttydLink struct {
	ws   *websocket.Conn
	out  chan chunk
	stop context.CancelFunc
	done sync.WaitGroup
	err  error // read it when out is closed
}

// ttyd is a running ttyd. It starts a shell for each connection.
type ttyd struct {
	cmd  *exec.Cmd
	addr string
}

// startTtyd runs ttyd; nil without an error if it is not installed. It pings rarely (-P): it ends the connection of a
// page that draws for so long that the answer is late.
func (b *bench) startTtyd(ctx context.Context) (*ttyd, error) {
	if _, err := exec.LookPath("ttyd"); err != nil {
		b.report.note("ttyd: not found on PATH, so nothing is compared with it")
		return nil, nil
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	t := &ttyd{addr: addr}
	t.cmd = exec.Command(
		"ttyd",
		append([]string{"-p", port, "-i", "127.0.0.1", "-W", "-d", "1", "-P", "300", "-w", b.place.dir},
			b.place.command()...)...)
	t.cmd.Env, t.cmd.Dir = b.place.env(), b.place.dir
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	b.report.note("ttyd is " + ttydVersion(ctx) + ", asked without compression")
	return t, nil
}

// stop ends ttyd with its shells. It may be nil.
func (t *ttyd) stop() {
	if t == nil {
		return
	}
	t.cmd.Process.Signal(syscall.SIGTERM)                                  //nolint:errcheck // it may have ended
	late := time.AfterFunc(2*time.Second, func() { t.cmd.Process.Kill() }) //nolint:errcheck // as above
	t.cmd.Wait()                                                           //nolint:errcheck // it was told to end
	late.Stop()
}

// openTtyd runs ttyd and opens a shell in it. Where there is none it is no way, and no error.
func (b *bench) openTtyd(ctx context.Context) (w *way, err error) {
	if b.ttyd, err = b.startTtyd(ctx); b.ttyd == nil {
		return nil, err
	}
	if w, err = b.ttyd.open(ctx, b.ttyd.addr); err == nil {
		w.pids = []int{b.ttyd.cmd.Process.Pid}
		w.again = func(ctx context.Context) (*way, error) { return b.ttyd.open(ctx, b.ttyd.addr) }
	}
	return w, err
}

// open opens a shell through an address that leads to ttyd.
func (t *ttyd) open(ctx context.Context, addr string) (*way, error) {
	l, err := followTtyd(ctx, addr)
	if err != nil {
		return nil, err
	}
	return newWay(ctx, wayTtyd, l)
}

func ttydVersion(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "ttyd", "--version").Output()
	if err != nil {
		return "of unknown version"
	}
	return strings.TrimSpace(string(out))
}

// freeAddr is a free address of the loopback.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// followTtyd connects to a ttyd that is starting.
func followTtyd(ctx context.Context, addr string) (*ttydLink, error) {
	starting, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	ws, err := dialTtyd(starting, addr)
	for errors.Is(err, syscall.ECONNREFUSED) && starting.Err() == nil {
		time.Sleep(10 * time.Millisecond)
		ws, err = dialTtyd(starting, addr)
	}
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	l := &ttydLink{ws: ws, out: make(chan chunk, 64), stop: stop}
	hello := fmt.Appendf(nil, `{"AuthToken":"","columns":%d,"rows":%d}`, cols, rows)
	if err := ws.Write(ctx, websocket.MessageBinary, hello); err != nil {
		l.Close()
		return nil, err
	}
	l.done.Go(func() { l.read(ctx) })
	return l, nil
}

func dialTtyd(ctx context.Context, addr string) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(ctx, "ws://"+addr+"/ws", &websocket.DialOptions{
		Subprotocols:    []string{"tty"},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err == nil {
		ws.SetReadLimit(maxMessage)
	}
	return ws, err
}

// receive receives a message into memory of room. io.EOF is the end.
func (l *ttydLink) receive(ctx context.Context, room *slab) ([]byte, error) {
	_, message, err := l.ws.Reader(ctx)
	if websocket.CloseStatus(err) >= 0 {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	n, err := io.ReadFull(message, room.get(maxMessage+1))
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return room.keep(n), err
}

func (l *ttydLink) read(ctx context.Context) {
	defer close(l.out)
	var room slab
	for {
		b, err := l.receive(ctx, &room)
		if err != nil {
			l.err = err
			return
		}
		if len(b) == 0 || b[0] != ttydOutput {
			continue // the title, the preferences
		}
		select {
		case l.out <- chunk{time.Now(), b[1:]}:
		case <-ctx.Done():
			return
		}
	}
}

func (l *ttydLink) Send(ctx context.Context, b []byte) error {
	return l.ws.Write(ctx, websocket.MessageBinary, append([]byte{ttydInput}, b...))
}

func (l *ttydLink) Output() <-chan chunk { return l.out }
func (l *ttydLink) Err() error           { return l.err }
func (l *ttydLink) Drawn(int)            {}

func (l *ttydLink) Close() {
	l.stop()
	l.ws.CloseNow() //nolint:errcheck // ttyd ends the shell either way
	l.done.Wait()
}
