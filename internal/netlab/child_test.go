//go:build linux

package netlab_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"convoy/fleet"
	"convoy/peer"
)

// nodeVariable holds a child's configuration. With it the test binary is a node:
// a peer.Cluster that says all it sees on standard output, one event a line, and
// does what it is told on standard input, until that ends.
const nodeVariable = "NETLAB_NODE"

// tickPause is the time between two ticks of a child.
const tickPause = 200 * time.Millisecond

// nodeConfig is what a child is told.
type nodeConfig struct {
	Name, Cookie, Query string
	Bind                netip.Addr
	Poll                time.Duration
}

// event is one line of a child, or a line of a node's log, which has no kind.
type event struct {
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind,omitempty"` // ready, members, request, answer, tick, starved
	Level   string    `json:"level,omitempty"`
	Message string    `json:"message,omitempty"`

	Member   string `json:"member,omitempty"`
	Instance string `json:"instance,omitempty"`
	Addr     string `json:"addr,omitempty"`
	Via      string `json:"via,omitempty"`
	Reason   string `json:"err,omitempty"`

	Members []fleet.Member `json:"members,omitempty"`

	ID     int           `json:"id,omitempty"` // of the order that is answered
	Text   string        `json:"text,omitempty"`
	Err    string        `json:"error,omitempty"`
	Took   time.Duration `json:"took_ns,omitempty"`
	Caller string        `json:"caller,omitempty"`
}

// order is what a child is told to do.
type order struct {
	ID     int           `json:"id"`
	Do     string        `json:"do"` // get, call, send, connect
	Node   string        `json:"node"`
	Target string        `json:"target"` // path, function, process
	Text   string        `json:"text"`   // the argument, the message
	Limit  time.Duration `json:"limit"`
}

// speaker writes events.
type speaker struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *speaker) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(line)
}

func (s *speaker) say(e event) {
	e.Time = time.Now()
	line, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	s.Write(append(line, '\n')) //nolint:errcheck // the parent is gone, and this process will be
}

// child is the node that this process is.
type child struct {
	*speaker
	cluster *peer.Cluster
}

// runChild is the whole of a child process; it returns the exit status.
func runChild(config string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c := &child{speaker: &speaker{w: os.Stdout}}
	if err := c.run(ctx, stop, config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (c *child) run(ctx context.Context, stop func(), config string) error {
	var cfg nodeConfig
	if err := json.Unmarshal([]byte(config), &cfg); err != nil {
		return err
	}
	handler := slog.NewJSONHandler(c, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.MessageKey {
			a.Key = "message"
		}
		return a
	}})
	var err error
	c.cluster, err = peer.New(peer.Config{
		Name:     cfg.Name,
		Cookie:   cfg.Cookie,
		Bind:     cfg.Bind,
		Port:     peer.DefaultPort,
		CallPort: peer.DefaultCallPort,
		Query:    cfg.Query,
		Poll:     cfg.Poll,
		Version:  "0.1.0",
		Log:      slog.New(handler),
	})
	if err != nil {
		return err
	}
	c.cluster.Register("echo", func(_ context.Context, args peer.Args) (any, error) {
		var text string
		err := args.Scan(&text)
		return text, err
	})
	mailbox := c.cluster.Process("worker", 16)
	defer mailbox.Close()
	if err := c.cluster.Join(ctx, http.HandlerFunc(c.serve)); err != nil {
		return err
	}
	c.say(event{Kind: "ready", Instance: c.cluster.Instance()})
	go c.tick(ctx)
	go c.obey(ctx, stop)
	c.follow(ctx)
	leave, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	c.cluster.Leave(leave)
	return c.cluster.Close()
}

// follow says the members, now and after every change.
func (c *child) follow(ctx context.Context) {
	for {
		changed := c.cluster.Changed()
		c.say(event{Kind: "members", Members: c.cluster.Members()})
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// tick reports the time since its last report: a long one means that this process got no processor time.
func (c *child) tick(ctx context.Context) {
	for last := time.Now(); ; {
		select {
		case <-time.After(tickPause):
		case <-ctx.Done():
			return
		}
		now := time.Now()
		c.say(event{Kind: "tick", Took: now.Sub(last)})
		last = now
	}
}

// serve answers each request with who is here, and says that it came.
func (c *child) serve(w http.ResponseWriter, r *http.Request) {
	caller, _ := peer.CallerOf(r.Context())
	c.say(event{Kind: "request", Caller: caller.Name, Text: r.URL.Path})
	fmt.Fprint(w, c.cluster.Instance())
}

// obey does what standard input says; its end ends the child.
func (c *child) obey(ctx context.Context, stop func()) {
	defer stop()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(err)
		}
		go func() {
			ctx, cancel := context.WithTimeout(ctx, o.Limit)
			defer cancel()
			began := time.Now()
			text, err := c.do(ctx, o)
			e := event{Kind: "answer", ID: o.ID, Text: text, Took: time.Since(began)}
			if err != nil {
				e.Err = err.Error()
			}
			c.say(e)
		}()
	}
}

func (c *child) do(ctx context.Context, o order) (string, error) {
	switch o.Do {
	case "get":
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.Target, strings.NewReader(o.Text))
		if err != nil {
			return "", err
		}
		answer, err := c.cluster.Do(o.Node, r)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	case "call":
		var args []any
		if o.Text != "" {
			args = append(args, o.Text)
		}
		result, err := c.cluster.Call(ctx, o.Node, o.Target, args...)
		return string(result), err
	case "send":
		return "", c.cluster.Send(ctx, o.Target, o.Node, o.Text)
	case "connect":
		return "", c.cluster.Connect(ctx, o.Target)
	}
	return "", fmt.Errorf("order %q: there is no such thing", o.Do)
}
