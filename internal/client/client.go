// Package client is a client of Convoy's protocol, written from docs/protocol.md: tests and the benchmark use it in
// place of a browser.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client speaks to one console as one viewer. Its methods may be called from several goroutines.
type Client struct {
	Base   string // "http://localhost:4000", without a slash at the end
	Token  string
	Viewer string
	HTTP   *http.Client
	Page   bool // its streams are a page's: HTML in place of JSON
	Buffer int  // bytes of a stream that are read at once; 0: 128 KiB
}

// New makes a client with its own viewer name and connections.
func New(base, token string) *Client {
	return &Client{
		Base:   strings.TrimSuffix(base, "/"),
		Token:  token,
		Viewer: rand.Text(),
		HTTP:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
}

// Close gives up the connections that are idle.
func (c *Client) Close() { c.HTTP.CloseIdleConnections() }

// Node and Shell are the parts of the protocol's objects that the tests look at.
type Node struct {
	Name      string
	Host      string
	Status    string
	Message   string
	Self      bool
	Control   bool `json:"control_plane"`
	Retirable bool
	Instance  string
	Address   string
	ID        string
	Steps     []struct{ Name, Error string }
	Shells    []Shell
}

// Shell is a shell as the protocol shows it.
type Shell struct {
	ID, Node, Title string
	Kind, Busy      string
	PID             int
	Rows, Cols      int
	End             int64
	Running         bool
	Recording       bool
	Exit            *struct {
		Code   int
		Signal string
	}
}

// Problem is an error answer.
type Problem struct {
	Status   int    `json:"-"`
	Text     string `json:"error"`
	Hint     string
	Expected *int64
}

func (p *Problem) Error() string { return fmt.Sprintf("%d: %s (%s)", p.Status, p.Text, p.Hint) }

// temporary reports whether to repeat the request, as pages do: the node restarts, is not reached, or is too busy.
func (p *Problem) temporary() bool {
	switch p.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Do sends a request and decodes the JSON answer into out, unless that is nil. An answer of 400 or more is a *Problem.
func (c *Client) Do(ctx context.Context, method, path string, body []byte, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.Base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	r.Header.Set("Accept", "application/json")
	answer, err := c.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 400 {
		p := &Problem{Status: answer.StatusCode}
		if json.Unmarshal(text, p) != nil {
			p.Text = string(text)
		}
		return p
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// Nodes lists the nodes.
func (c *Client) Nodes(ctx context.Context) (list []Node, err error) {
	return list, c.Do(ctx, http.MethodGet, "/nodes", nil, &list)
}

// Spawn asks for a node.
func (c *Client) Spawn(ctx context.Context) (n Node, err error) {
	return n, c.Do(ctx, http.MethodPost, "/nodes", nil, &n)
}

// Retire asks for a node to be retired.
func (c *Client) Retire(ctx context.Context, node string) error {
	return c.Do(ctx, http.MethodDelete, "/nodes/"+node, nil, nil)
}

// Open opens a shell of the node's first kind, with 24 rows and 80 columns.
func (c *Client) Open(ctx context.Context, node string) (Shell, error) {
	return c.OpenKind(ctx, node, "")
}

// OpenKind is Open for a shell of a kind: "system" or "convoy".
func (c *Client) OpenKind(ctx context.Context, node, kind string) (s Shell, err error) {
	ask := fmt.Appendf(nil, `{"kind":%q,"rows":24,"cols":80}`, kind)
	return s, c.Do(ctx, http.MethodPost, "/nodes/"+node+"/shells", ask, &s)
}

// Input sends input number n to a shell, acknowledging output up to ack unless that is negative.
func (c *Client) Input(ctx context.Context, s Shell, n, ack int64, b []byte) error {
	path := fmt.Sprintf("%s/input?viewer=%s&n=%d", s.Path(), c.Viewer, n)
	if ack >= 0 {
		path += fmt.Sprintf("&ack=%d", ack)
	}
	return c.Do(ctx, http.MethodPost, path, b, nil)
}

// Ack acknowledges output up to off.
func (c *Client) Ack(ctx context.Context, s Shell, off int64) error {
	return c.Do(ctx, http.MethodPost, fmt.Sprintf("%s/ack?viewer=%s&off=%d", s.Path(), c.Viewer, off), nil, nil)
}

// Key is the shell's name on a stream.
func (s Shell) Key() string { return s.Node + "/" + s.ID }

// Path is the address of the shell's routes.
func (s Shell) Path() string { return "/nodes/" + url.PathEscape(s.Node) + "/shells/" + s.ID }
