package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// nodeFD is the variable with the number of the descriptor that a node reaches its supervisor at.
const nodeFD = "CONVOY_SUPERVISOR_FD"

var (
	// ErrGone is the error of calls after the supervisor has ended.
	ErrGone = errors.New("the supervisor has ended")
	// ErrUnknown is the error of Client.Wait if the process has ended, and nobody knows how.
	ErrUnknown = errors.New("the exit status is not known")
)

// Entry is what a node keeps for the next one.
type Entry struct {
	Name  string     // its key, of at most 256 bytes; "terminal:" or the like keeps those of several packages apart
	Pid   int        // a child of the node whose exit status the next node needs; 0: none
	Data  []byte     // together with Name less than 64,000 bytes
	Files []*os.File // at most 16
}

// Client is a node's connection to its supervisor. All methods are safe for concurrent use, and for a nil Client, which
// keeps nothing: without a supervisor everything ends with the node.
type Client struct {
	socket *os.File
	done   chan struct{} // closed when the supervisor is gone
	leave  chan struct{} // closed when the node should leave
	answer chan message
	packet []byte // buffer of receive

	mu      sync.Mutex
	entries []Entry
	pids    map[string]int  // of the entries, by name
	ends    map[int]*ending // by pid
}

// ending is how a process ended, once done is closed.
type ending struct {
	done    chan struct{}
	status  unix.WaitStatus
	unknown bool
}

// Connect connects to the supervisor that started this process, and returns when all entries are there. It removes the
// variable that names the connection, so that no child has it. Without a supervisor it returns nil and no error.
func Connect() (*Client, error) {
	number, ok := os.LookupEnv(nodeFD)
	if !ok {
		return nil, nil //nolint:nilnil // a nil Client is usable
	}
	os.Unsetenv(nodeFD) //nolint:errcheck // the name is valid
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q is not a descriptor", nodeFD, number)
	}
	c, err := newClient(int(fd))
	if err != nil {
		return nil, fmt.Errorf("descriptor %d leads to no supervisor: %w", fd, err)
	}
	return c, nil
}

// newClient takes over the descriptor of a socket, and reads entries from it.
func newClient(fd int) (*Client, error) {
	c, err := connection(fd)
	if err != nil {
		return nil, err
	}
	for {
		m, err := c.receive()
		if err != nil {
			return nil, errors.Join(err, c.socket.Close())
		}
		if m.Kind == "end" {
			go c.run()
			return c, nil
		}
		c.handle(m)
	}
}

// connection takes over the descriptor of a socket.
func connection(fd int) (*Client, error) {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return &Client{
		socket: os.NewFile(uintptr(fd), "supervisor"),
		done:   make(chan struct{}),
		leave:  make(chan struct{}),
		answer: make(chan message, 1),
		packet: make([]byte, maxMessage),
		pids:   map[string]int{},
		ends:   map[int]*ending{},
	}, nil
}

// Entries returns what the predecessors of this node left, in the order in which it was first put. The caller owns the
// files. An entry stays in the store until it is dropped. Entries are returned once.
func (c *Client) Entries() []Entry {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.entries
	c.entries = nil
	return all
}

// Put stores an entry, or replaces the one of this name, whose files are closed. The caller keeps its own descriptors.
// When Put returns, the entry outlives this process.
func (c *Client) Put(e Entry) error {
	if c == nil {
		return nil
	}
	if e.Name == "" || len(e.Name) > maxName {
		return fmt.Errorf("the name of an entry has %d bytes, 1 to %d are allowed", len(e.Name), maxName)
	}
	m := message{Kind: "put", Name: e.Name, Pid: e.Pid, data: e.Data}
	for _, f := range e.Files {
		conn, err := f.SyscallConn() // Fd would make it block
		if err == nil {
			err = conn.Control(func(fd uintptr) { m.files = append(m.files, int(fd)) })
		}
		if err != nil {
			return fmt.Errorf("put %q: %w", e.Name, err)
		}
	}
	defer runtime.KeepAlive(e.Files)
	c.mu.Lock()
	c.pids[e.Name] = e.Pid
	c.mu.Unlock()
	return c.send(m)
}

// Drop removes an entry, if it is there, and closes the supervisor's descriptors of its files.
func (c *Client) Drop(name string) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	if pid := c.pids[name]; pid > 0 {
		c.end(message{Pid: pid, Unknown: true}) // whoever waits for it
		delete(c.ends, pid)
	}
	delete(c.pids, name)
	c.mu.Unlock()
	return c.send(message{Kind: "drop", Name: name})
}

// Wait waits for the end of a process that is the Pid of an entry and that an earlier node started; this node itself
// waits for those that it starts. Its errors are that of ctx, ErrUnknown, also if the entry is dropped, and ErrGone.
func (c *Client) Wait(ctx context.Context, pid int) (unix.WaitStatus, error) {
	if c == nil {
		return 0, ErrUnknown
	}
	c.mu.Lock()
	e := c.ending(pid)
	c.mu.Unlock()
	select {
	case <-e.done:
		if e.unknown {
			return 0, ErrUnknown
		}
		return e.status, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-c.done:
		return 0, ErrGone
	}
}

// Ready reports that the node serves. Before that, an upgrade to this program counts as failed.
func (c *Client) Ready(version string) error {
	if c == nil {
		return nil
	}
	return c.send(message{Kind: "ready", data: []byte(version)})
}

// Failed reports why this process is about to end. It is shown to the user who asked for an upgrade.
func (c *Client) Failed(reason error) {
	if c != nil {
		text := reason.Error()
		c.send(message{Kind: "failed", data: []byte(text[:min(len(text), 1000)])}) //nolint:errcheck // it ends anyway
	}
}

// Listen makes the supervisor accept commands at a Unix socket (mode 0600) with this absolute path, whose directory
// exists, and adds what a stopped node left there to Entries. The error is that of the supervisor, such as that another
// one listens there. It is called once, before Entries.
func (c *Client) Listen(path string) error {
	if c == nil {
		return nil
	}
	if err := c.send(message{Kind: "listen", Name: path}); err != nil {
		return err
	}
	select {
	case m := <-c.answer:
		if m.Status != 0 {
			return errors.New(string(m.data))
		}
		return nil
	case <-c.done:
		return ErrGone
	}
}

// Leave is closed when the node should leave: end with status 0 soon, and leave the processes of its entries running.
// It is never closed without a supervisor.
func (c *Client) Leave() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.leave
}

// Done is closed when the supervisor has ended. It is never closed without one.
func (c *Client) Done() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.done
}

// run handles messages until the supervisor ends.
func (c *Client) run() {
	defer c.socket.Close()
	defer close(c.done)
	for {
		m, err := c.receive()
		if err != nil && !errors.Is(err, errMalformed) {
			return
		}
		c.handle(m)
	}
}

func (c *Client) handle(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	files := make([]*os.File, len(m.files))
	for i, fd := range m.files {
		files[i] = os.NewFile(uintptr(fd), m.Name)
	}
	switch m.Kind {
	case "entry":
		c.entries = append(c.entries, Entry{m.Name, m.Pid, m.data, files})
		c.pids[m.Name] = m.Pid
		if m.Ended {
			c.end(m)
		}
	case "exit":
		c.end(m)
	case "leave":
		select {
		case <-c.leave:
		default:
			close(c.leave)
		}
	case "answer":
		select {
		case c.answer <- m:
		default: // nobody asked
		}
	}
}

// ending returns how a process ended, or will. It requires c.mu.
func (c *Client) ending(pid int) *ending {
	if c.ends[pid] == nil {
		c.ends[pid] = &ending{done: make(chan struct{})}
	}
	return c.ends[pid]
}

// end records how a process ended. It requires c.mu.
func (c *Client) end(m message) {
	e := c.ending(m.Pid)
	select {
	case <-e.done:
	default:
		e.status, e.unknown = unix.WaitStatus(m.Status), m.Unknown
		close(e.done)
	}
}

// send sends a message, which may wait for the supervisor.
func (c *Client) send(m message) error {
	conn, err := c.socket.SyscallConn()
	if err != nil {
		return ErrGone
	}
	for {
		var sent error
		err := conn.Write(func(fd uintptr) bool {
			sent = send(int(fd), m)
			return !errors.Is(sent, unix.EAGAIN)
		})
		switch {
		case err != nil || errors.Is(sent, unix.EPIPE) || errors.Is(sent, unix.ECONNRESET):
			return ErrGone
		case errors.Is(sent, unix.ETOOMANYREFS): // too many descriptors are on their way (unix(7))
			time.Sleep(time.Millisecond)
		default:
			return sent
		}
	}
}

// receive receives a message.
func (c *Client) receive() (m message, err error) {
	conn, err := c.socket.SyscallConn()
	if err != nil {
		return m, err
	}
	var got error
	err = conn.Read(func(fd uintptr) bool {
		m, got = receive(int(fd), c.packet)
		return !errors.Is(got, unix.EAGAIN)
	})
	return m, errors.Join(err, got)
}
