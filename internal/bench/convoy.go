package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

const (
	startWait = 15 * time.Second
	stopWait  = 15 * time.Second
	// leanBuffer is what one viewer of many reads at once, in bytes.
	leanBuffer = 4 << 10
)

// convoy is a running control plane.
type convoy struct {
	cmd   *exec.Cmd
	base  string // of its console: http://localhost:PORT
	token string
	name  string // of its node
	done  chan struct{}

	mu   sync.Mutex
	tail []string // the last lines that it wrote
}

// start runs a control plane, with further arguments, and waits until it says where to log in.
func (p *place) start(ctx context.Context, binary string, more ...string) (*convoy, error) {
	c := &convoy{done: make(chan struct{})}
	data, err := os.MkdirTemp(p.dir, ".data-")
	if err != nil {
		return nil, err
	}
	args := []string{"-addr", "localhost:0", "-data", data, "-max-nodes", "8", "-log", "json", "-system-shell", "first",
		"-shell", strings.Join(p.command(), " "), "-dir", p.dir}
	if os.Geteuid() == 0 {
		args = append(args, "-system-user", "root") // as the bare terminal and ttyd, which may read p.dir
	}
	c.cmd = exec.Command(binary, append(args, more...)...)
	c.cmd.Env, c.cmd.Dir = p.env(), p.dir
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.cmd.Stderr = c.cmd.Stdout
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start convoy: %w", err)
	}
	link := make(chan string, 1)
	go c.read(out, link)
	select {
	case text := <-link:
		if err := c.use(ctx, text); err != nil {
			c.stop()
			return nil, err
		}
		return c, nil
	case <-c.done:
		return nil, fmt.Errorf("convoy ended: %s", c.last())
	case <-time.After(startWait):
	case <-ctx.Done():
	}
	c.stop()
	return nil, fmt.Errorf("convoy did not say where to log in: %s", c.last())
}

// read reads what Convoy writes until it has ended.
func (c *convoy) read(out io.Reader, link chan<- string) {
	defer close(c.done)
	in := bufio.NewScanner(out)
	for in.Scan() {
		var line struct{ Message string }
		if json.Unmarshal(in.Bytes(), &line) == nil && strings.HasPrefix(line.Message, "open http") {
			link <- strings.Fields(line.Message)[1]
			continue
		}
		c.mu.Lock()
		c.tail = append(c.tail[max(0, len(c.tail)-9):], in.Text())
		c.mu.Unlock()
	}
	c.cmd.Wait() //nolint:errcheck // its last lines say more
}

func (c *convoy) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.tail, "\n")
}

func (c *convoy) use(ctx context.Context, link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return fmt.Errorf("login link: %w", err)
	}
	c.base, c.token = "http://"+u.Host, u.Query().Get("token")
	self, err := c.node(ctx, func(n client.Node) bool { return n.Self })
	c.name = self.Name
	return err
}

// client is a new viewer, with connections of its own.
func (c *convoy) client(base string) *client.Client {
	viewer := client.New(base, c.token)
	viewer.HTTP = &http.Client{Transport: &wire{}}
	return viewer
}

// lean is how a crowd of viewers asks: with small buffers, over connections that are shared but for the streams.
func lean() *http.Client { return &http.Client{Transport: &wire{buffer: leanBuffer}} }

// viewer is a new viewer that asks through such a client. It sees one shell and nothing else, unless it is made a page.
func (c *convoy) viewer(through *http.Client) *client.Client {
	viewer := client.New(c.base, c.token)
	viewer.HTTP, viewer.Buffer = through, leanBuffer
	return viewer
}

// node is the first node that is meant.
func (c *convoy) node(ctx context.Context, meant func(client.Node) bool) (client.Node, error) {
	viewer := c.client(c.base)
	defer viewer.Close()
	list, err := viewer.Nodes(ctx)
	for _, n := range list {
		if meant(n) {
			return n, err
		}
	}
	return client.Node{}, errors.Join(errors.New("no such node"), err)
}

// pid is the process of its node, which its supervisor has started.
func (c *convoy) pid() int { return testkit.NodeOf(c.cmd.Process.Pid) }

// stop ends Convoy with its nodes, and waits.
func (c *convoy) stop() {
	c.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-c.done:
	case <-time.After(stopWait):
		c.cmd.Process.Kill() //nolint:errcheck // as above
		<-c.done
	}
}

// spawn spawns a node and waits until it is alive. The stream has the list of nodes.
func spawn(ctx context.Context, viewer *client.Client, stream *client.Stream) (n client.Node, err error) {
	made, err := viewer.Spawn(ctx)
	if err != nil {
		return n, err
	}
	return made, untilNodes(stream, func(list []client.Node) (bool, error) {
		for _, one := range list {
			if one.Name == made.Name {
				made = one
				if one.Status == "failed" {
					return false, errors.New(one.Message)
				}
				return one.Status == "alive", nil
			}
		}
		return false, nil
	})
}

// untilNodes reads a stream until its list of nodes is as wanted.
func untilNodes(stream *client.Stream, met func([]client.Node) (bool, error)) error {
	for {
		e, err := stream.Next()
		if err != nil {
			return err
		}
		if e.Name != "fleet" {
			continue
		}
		var list []client.Node
		if err := json.Unmarshal(e.Data, &list); err != nil {
			return err
		}
		if ok, err := met(list); ok || err != nil {
			return err
		}
	}
}

// pidOf is the process of a node of provider local, whose id is "pid 4242".
func pidOf(n client.Node) (int, error) {
	pid, err := strconv.Atoi(strings.TrimPrefix(n.ID, "pid "))
	return testkit.NodeOf(pid), err
}
