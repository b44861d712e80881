package supervisor

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxPeers bounds the commands that are connected at once.
const maxPeers = 8

// control is where commands arrive.
type control struct {
	path     string
	listener int // descriptor; 0: none
	key      int // descriptor of the locked file with the key
	peers    []*peer
	waiting  []*peer // for the end of this process
	taker    *peer   // takes everything over; new commands are for it, unless it fails
}

// keyPath is the file with the key beside a socket. Whoever can read it may give commands: a shell of the node's user
// could connect to the socket, but its confinement hides the file.
func keyPath(socket string) string { return strings.TrimSuffix(socket, ".sock") + ".key" }

// listen makes commands reach this process at a path, or takes over what another left there, and answers the node.
func (s *server) listen(path string) {
	answer := message{Kind: "answer"}
	if err := s.control.open(path); errors.Is(err, unix.EWOULDBLOCK) {
		err = s.takeOver(path)
		if err != nil {
			answer.Status, answer.data = 1, []byte(err.Error())
		}
	} else if err != nil {
		answer.Status, answer.data = 1, []byte(err.Error())
	}
	s.node.post(answer)
}

// open creates the key and the socket. EWOULDBLOCK: another process has them.
func (c *control) open(path string) error {
	if c.listener > 0 {
		if path != c.path { // of a node with other settings, before an upgrade
			return errors.New("commands arrive at " + c.path + " until the supervisor ends")
		}
		return nil
	}
	key, err := unix.Open(keyPath(path), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err = unix.Flock(key, unix.LOCK_EX|unix.LOCK_NB); err == nil {
		err = writeKey(key)
	}
	listener := -1
	if err == nil {
		listener, err = listenAt(path)
	}
	if err != nil {
		closeAll([]int{key})
		return err
	}
	c.path, c.listener, c.key = path, listener, key
	return nil
}

// writeKey writes a new key into a file.
func writeKey(fd int) error {
	random := make([]byte, 32)
	if _, err := unix.Getrandom(random, 0); err != nil {
		return err
	}
	if err := unix.Ftruncate(fd, 0); err != nil {
		return err
	}
	_, err := unix.Pwrite(fd, []byte(hex.EncodeToString(random)), 0)
	return err
}

// address returns the address of a Unix socket, which may be longer than such addresses can be. done releases it.
func address(path string) (addr *unix.SockaddrUnix, done func(), err error) {
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	name := "/proc/self/fd/" + strconv.Itoa(dir) + "/" + filepath.Base(path)
	return &unix.SockaddrUnix{Name: name}, func() { closeAll([]int{dir}) }, nil
}

// listenAt listens at a path, which no other process uses.
func listenAt(path string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	addr, done, err := address(path)
	if err == nil {
		defer done()
		unix.Unlink(path) //nolint:errcheck // else the next step fails
		mask := unix.Umask(0o177)
		err = unix.Bind(fd, addr)
		unix.Umask(mask)
	}
	if err == nil {
		err = unix.Listen(fd, maxPeers)
	}
	if err != nil {
		closeAll([]int{fd})
	}
	return fd, err
}

// commands returns what to wait for.
func (s *server) commands() (all []source) {
	c := &s.control
	if c.listener > 0 && c.taker == nil {
		all = append(all, source{c.listener, unix.POLLIN, s.accept})
	}
	for _, p := range c.peers {
		all = append(all, source{p.fd, p.events(), func() { s.command(p) }})
	}
	return all
}

// accept accepts a command. The oldest gives way if there are too many.
func (s *server) accept() {
	fd, _, err := unix.Accept4(s.control.listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		return
	}
	if len(s.control.peers) == maxPeers {
		s.forget(s.control.peers[0])
	}
	s.control.peers = append(s.control.peers, &peer{fd: fd})
}

// forget ends the conversation with a command.
func (s *server) forget(p *peer) {
	if i := slices.Index(s.control.peers, p); i >= 0 {
		s.control.peers = slices.Delete(s.control.peers, i, i+1)
		p.close()
		if s.control.taker == p {
			s.control.taker = nil
		}
	}
}

// command handles what a command has sent.
func (s *server) command(p *peer) {
	if !slices.Contains(s.control.peers, p) {
		return
	}
	p.flush()
	m, err := receive(p.fd, s.packet)
	if errors.Is(err, unix.EAGAIN) {
		return
	}
	closeAll(m.files)
	if err != nil {
		s.forget(p)
		return
	}
	switch key, err := s.control.readKey(); {
	case err != nil || subtle.ConstantTimeCompare(m.data, key) != 1:
		p.post(message{Kind: "answer", Status: 1, data: []byte("wrong key")})
	case m.Kind == "take" && s.holding && s.control.taker == nil:
		s.control.taker = p
		s.handOver(p, s.control.last(), false)
	case m.Kind == "taken" && s.control.taker == p:
		s.control.listener, s.store = 0, nil
		s.end(0)
	case m.Kind == "take":
		p.post(message{Kind: "answer", Status: 1, data: []byte("another node with this name and data directory runs")})
	case m.Kind == "upgrade" && !s.holding:
		s.beginUpgrade(p)
	case m.Kind == "stop", m.Kind == "keep":
		s.finish(p, m.Kind == "keep")
	default:
		p.post(message{Kind: "answer", Status: 1, data: []byte("no node runs here that could do that")})
	}
}

// readKey reads the key of commands.
func (c *control) readKey() ([]byte, error) {
	key := make([]byte, 64)
	if n, err := unix.Pread(c.key, key, 0); err != nil || n != len(key) {
		return nil, io.ErrUnexpectedEOF
	}
	return key, nil
}

// last is the message after the entries for a process that takes over: it has the socket and the key.
func (c *control) last() message {
	if c.listener == 0 {
		return message{Kind: "end"}
	}
	return message{Kind: "end", Name: c.path, files: []int{c.listener, c.key}}
}

// close removes the socket, unless another process has taken it over.
func (c *control) close() {
	if c.listener > 0 {
		unix.Unlink(c.path) //nolint:errcheck // the next start does
		closeAll([]int{c.listener, c.key})
		c.listener = 0
	}
}

// Do gives a command to the supervisor at a path: upgrade, stop or keep. It returns the answer, or as an error why the
// command failed. If ctx ends before, the supervisor carries it out nevertheless.
func Do(ctx context.Context, path, command string) (string, error) {
	conn, key, err := dial(path)
	if err != nil {
		return "", err
	}
	defer conn.socket.Close()
	defer context.AfterFunc(ctx, func() { conn.socket.SetDeadline(time.Unix(1, 0)) })() //nolint:errcheck // a socket
	if err := conn.send(message{Kind: command, data: key}); err != nil {
		return "", err
	}
	m, err := conn.receive()
	if err != nil {
		return "", fmt.Errorf("the node has ended before it answered: %w", err)
	}
	if m.Status != 0 {
		return "", errors.New(string(m.data))
	}
	return string(m.data), nil
}

// dial connects to the supervisor at a path, and reads its key.
func dial(path string) (conn *Client, key []byte, err error) {
	if key, err = os.ReadFile(keyPath(path)); err != nil {
		return nil, nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	addr, done, err := address(path)
	if err == nil {
		err = unix.Connect(fd, addr)
		done()
	}
	if err != nil {
		closeAll([]int{fd})
		return nil, nil, err
	}
	conn, err = connection(fd)
	return conn, key, err
}
