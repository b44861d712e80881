package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	callTimeout   = 30 * time.Second // for a call whose context has no deadline
	timeoutHeader = "Convoy-Timeout"

	// multicallBytes limits all answers to one Multicall, shared among the nodes, each of which may use multicallPart.
	multicallBytes = 16 << 20
	multicallPart  = 256 << 10
)

// ErrTooMuch reports an answer beyond this node's limit.
var ErrTooMuch = errors.New("the answer is too large")

// RemoteError is an error that the function itself returned.
type RemoteError struct {
	Node, Function string
	Message        string
}

func (e *RemoteError) Error() string {
	return fmt.Sprintf("%s on %q: %s", e.Function, e.Node, e.Message)
}

// Call runs a function on a node, the youngest instance with that name, and returns its result as JSON. The context's
// deadline, 30 s if it has none, and its cancellation reach the function. A call is never repeated.
//
// The error is, for errors.Is: ErrUnknownNode, ErrUnreachable (the function may or may not have run),
// ErrUnknownFunction, ErrBadArguments, context.DeadlineExceeded, or context.Canceled; for errors.As: *RemoteError, the
// function's own.
func (c *Cluster) Call(ctx context.Context, node, fn string, args ...any) (json.RawMessage, error) {
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	body, err := encodeArgs(args)
	if err != nil {
		return nil, fmt.Errorf("call %s on %q: %w", fn, node, err)
	}
	return c.callLimited(ctx, callBytes, node, fn, body)
}

// callLimited is Call with a limit for the answer, in bytes.
func (c *Cluster) callLimited(ctx context.Context, limit int, node, fn string, body []byte) (json.RawMessage, error) {
	result, err := c.call(ctx, limit, node, fn, body)
	remote, failed := errors.AsType[*RemoteError](err)
	switch {
	case err == nil:
		return result, nil
	case failed:
		return nil, remote
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return nil, fmt.Errorf("call %s on %q: %w", fn, node, err)
}

func withDefaultTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, callTimeout)
}

func encodeArgs(args []any) ([]byte, error) {
	if args == nil {
		args = []any{}
	}
	body, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadArguments, err)
	}
	if len(body) > callBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrBadArguments, callBytes)
	}
	return body, nil
}

// newPost returns a request that net/http does not repeat on its own.
func newPost(ctx context.Context, path string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(body))
	if err == nil {
		r.GetBody = nil
	}
	return r, err
}

func (c *Cluster) call(ctx context.Context, limit int, node, fn string, body []byte) (json.RawMessage, error) {
	if !isWord(fn) {
		return nil, ErrUnknownFunction
	}
	r, err := newPost(ctx, "/call/"+fn, body)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	r.Header.Set(timeoutHeader, time.Until(deadline).String())
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.Do(node, r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	result, err := io.ReadAll(io.LimitReader(answer.Body, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if len(result) > limit {
		return nil, fmt.Errorf("%w: at most %d bytes are allowed", ErrTooMuch, limit)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, decodeError(answer.StatusCode, result, node, fn)
	}
	return result, nil
}

// Result is one node's answer to a Multicall.
type Result struct {
	Node  string
	Value json.RawMessage // nil if Err is set
	Err   error           // as from Call
	Took  time.Duration
}

// Multicall calls a function on many nodes concurrently, by default on all living ones. Each has its own result or
// error, in the order of nodes. One deadline applies to all. The answers share 16 MiB, with at least 256 KiB each:
// ErrTooMuch.
func (c *Cluster) Multicall(ctx context.Context, nodes []string, fn string, args ...any) []Result {
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	if nodes == nil {
		nodes = c.names()
	}
	results := make([]Result, len(nodes))
	body, err := encodeArgs(args)
	limit := min(callBytes, max(multicallBytes/max(len(nodes), 1), multicallPart))
	var group sync.WaitGroup
	for i, node := range nodes {
		group.Go(func() {
			began := time.Now()
			if err != nil {
				results[i] = Result{Node: node, Err: fmt.Errorf("call %s on %q: %w", fn, node, err)}
				return
			}
			value, err := c.callLimited(ctx, limit, node, fn, body)
			results[i] = Result{Node: node, Value: value, Err: err, Took: time.Since(began)}
		})
	}
	group.Wait()
	return results
}

// names returns the living members' names without duplicates, this node's first.
func (c *Cluster) names() []string {
	var names []string
	seen := map[string]bool{}
	for _, m := range c.roster.living() {
		if !seen[m.Name] {
			seen[m.Name] = true
			names = append(names, m.Name)
		}
	}
	return names
}
