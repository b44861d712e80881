package pty

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

// keepers keeps the shells of nodes that are killed, as a supervisor does: the test process is the subreaper of theirs.
type keepers struct {
	t testing.TB

	mu      sync.Mutex
	kept    map[string]Kept
	waits   map[int]chan struct{} // closed when the program has ended
	ends    map[int]syscall.WaitStatus
	serving sync.WaitGroup
}

// keepMessage is a message between a node and its keeper, which may carry files.
type keepMessage struct {
	Op   string // keep, drop, wait, list, end
	ID   string
	Pid  int
	Data []byte
}

func newKeepers(t testing.TB) *keepers {
	t.Helper()
	testkit.Must(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	k := &keepers{t: t, kept: map[string]Kept{}, waits: map[int]chan struct{}{}, ends: map[int]syscall.WaitStatus{}}
	t.Cleanup(func() {
		k.mu.Lock()
		for id, kept := range k.kept {
			k.drop(id)
			if kept.Pid > 0 { // it runs
				syscall.Kill(-kept.Pid, syscall.SIGKILL)
				k.wait(kept.Pid)
			}
		}
		k.mu.Unlock()
		k.serving.Wait()
		testkit.Eventually(t, "the end of all orphans", func() bool {
			_, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			return errors.Is(err, syscall.ECHILD)
		})
		testkit.Must(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0))
	})
	return k
}

// serve answers one node until it ends, and keeps the socket. heard is closed after the node's last message.
func (k *keepers) serve(socket *os.File) (heard <-chan struct{}) {
	end := make(chan struct{})
	k.serving.Go(func() {
		defer close(end)
		defer socket.Close()
		for {
			m, files, err := receive(socket)
			if err != nil {
				return
			}
			k.mu.Lock()
			switch m.Op {
			case "keep":
				k.drop(m.ID)
				k.kept[m.ID] = Kept{ID: m.ID, Pid: m.Pid, Data: m.Data, Files: files}
			case "drop":
				k.drop(m.ID)
			case "wait":
				ended := k.wait(m.Pid)
				k.serving.Go(func() {
					defer files[0].Close()
					<-ended
					k.mu.Lock()
					defer k.mu.Unlock()
					binary.Write(files[0], binary.NativeEndian, uint32(k.ends[m.Pid]))
				})
			case "list":
				for _, kept := range k.kept {
					send(socket, keepMessage{Op: "keep", ID: kept.ID, Pid: kept.Pid, Data: kept.Data}, kept.Files...)
				}
				send(socket, keepMessage{Op: "end"})
			}
			k.mu.Unlock()
		}
	})
	return end
}

// drop requires k.mu.
func (k *keepers) drop(id string) {
	for _, file := range k.kept[id].Files {
		file.Close()
	}
	delete(k.kept, id)
}

// wait reaps a program, once. It requires k.mu.
func (k *keepers) wait(pid int) (ended chan struct{}) {
	if ended := k.waits[pid]; ended != nil {
		return ended
	}
	ended = make(chan struct{})
	k.waits[pid] = ended
	k.serving.Go(func() {
		defer close(ended)
		var status syscall.WaitStatus
		for {
			if _, err := syscall.Wait4(pid, &status, 0, nil); !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.ends[pid] = status
	})
	return ended
}

// keeps waits until that many shells are kept.
func (k *keepers) keeps(want int) {
	k.t.Helper()
	testkit.Eventually(k.t, fmt.Sprint(want, " shells are kept"), func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.kept) == want
	})
}

// socketpair returns two connected sockets.
func socketpair(t testing.TB, kind int) (ours, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	testkit.Must(t, err)
	return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
}

func send(socket *os.File, m keepMessage, files ...*os.File) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var fds []int
	for _, file := range files {
		conn, err := file.SyscallConn()
		if err != nil {
			return err
		}
		conn.Control(func(fd uintptr) { fds = append(fds, int(fd)) })
	}
	return control(socket, func(fd int) error { return unix.Sendmsg(fd, body, unix.UnixRights(fds...), nil, 0) })
}

func receive(socket *os.File) (m keepMessage, files []*os.File, err error) {
	body, rights := make([]byte, 64<<10), make([]byte, 1024)
	var n, extra int
	err = control(socket, func(fd int) (err error) {
		n, extra, _, _, err = unix.Recvmsg(fd, body, rights, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil || n == 0 {
		return m, nil, errors.Join(err, io.EOF)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:extra])
	if err != nil {
		return m, nil, err
	}
	for _, message := range messages {
		fds, err := unix.ParseUnixRights(&message)
		if err != nil {
			return m, nil, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "kept"))
		}
	}
	return m, files, json.Unmarshal(body[:n], &m)
}

// keeperClient is a node's end.
type keeperClient struct{ socket *os.File }

func (c keeperClient) Keep(k Kept) error {
	return send(c.socket, keepMessage{Op: "keep", ID: k.ID, Pid: k.Pid, Data: k.Data}, k.Files...)
}

func (c keeperClient) Drop(id string) { send(c.socket, keepMessage{Op: "drop", ID: id}) }

func (c keeperClient) Wait(ctx context.Context, pid int) (syscall.WaitStatus, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer out.Close()
	err = send(c.socket, keepMessage{Op: "wait", Pid: pid}, in)
	in.Close()
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { out.Close() })
	defer stop()
	var status uint32
	if err := binary.Read(out, binary.NativeEndian, &status); err != nil {
		return 0, errors.Join(ctx.Err(), fmt.Errorf("wait for %d: %w", pid, err))
	}
	return syscall.WaitStatus(status), nil
}

// list is what the previous node left.
func (c keeperClient) list() (kept []Kept, err error) {
	if err := send(c.socket, keepMessage{Op: "list"}); err != nil {
		return nil, err
	}
	for {
		m, files, err := receive(c.socket)
		if err != nil || m.Op == "end" {
			return kept, err
		}
		kept = append(kept, Kept{ID: m.ID, Pid: m.Pid, Data: m.Data, Files: files})
	}
}
