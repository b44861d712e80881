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
	callTimeout   = 30 * time.Second // of a call whose context has no deadline
	timeoutHeader = "Convoy-Timeout"

	// multicallBytes is what the answers to one Multicall may have in all, and multicallPart what each may in any case.
	multicallBytes = 16 << 20
	multicallPart  = 256 << 10
)

// ErrTooMuch says that a node's answer is larger than this one takes.
var ErrTooMuch = errors.New("the answer is too large")

// RemoteError is the error that a function itself has returned.
type RemoteError struct {
	Node, Function string
	Message        string
}

func (e *RemoteError) Error() string {
	return fmt.Sprintf("%s on %q: %s", e.Function, e.Node, e.Message)
}

// Call runs a function on a node, the youngest instance of that name, and gives
// its result as JSON. The context's deadline, 30 s if it has none, and its
// cancellation travel with the call. A call is made once and never repeated.
//
// The error is, for errors.Is: ErrUnknownNode, ErrUnreachable (it may have run or
// not), ErrUnknownFunction, ErrBadArguments, context.DeadlineExceeded or
// context.Canceled; and for errors.As: *RemoteError, the function's own.
func (c *Cluster) Call(ctx context.Context, node, fn string, args ...any) (json.RawMessage, error) {
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	body, err := encodeArgs(args)
	if err != nil {
		return nil, fmt.Errorf("call %s on %q: %w", fn, node, err)
	}
	return c.callWithin(ctx, callBytes, node, fn, body)
}

// callWithin is Call for an answer of at most so many bytes.
func (c *Cluster) callWithin(ctx context.Context, most int, node, fn string, body []byte) (json.RawMessage, error) {
	result, err := c.call(ctx, most, node, fn, body)
	var remote *RemoteError
	switch {
	case err == nil:
		return result, nil
	case errors.As(err, &remote):
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

func (c *Cluster) call(ctx context.Context, most int, node, fn string, body []byte) (json.RawMessage, error) {
	if !isWord(fn) {
		return nil, ErrUnknownFunction
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/call/"+fn, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.GetBody = nil // else net/http might send it again on its own
	deadline, _ := ctx.Deadline()
	r.Header.Set(timeoutHeader, time.Until(deadline).String())
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.Do(node, r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	result, err := io.ReadAll(io.LimitReader(answer.Body, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if len(result) > most {
		return nil, fmt.Errorf("%w: the answer may have at most %d bytes here", ErrTooMuch, most)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, problemFrom(answer.StatusCode, result, node, fn)
	}
	return result, nil
}

// Result is one node's answer to a Multicall.
type Result struct {
	Node  string
	Value json.RawMessage // nil if Err is not
	Err   error           // as of Call
	Took  time.Duration
}

// Multicall calls a function on many nodes at once, on all living ones if nodes
// is nil. Each has its own result or error, in the order of the nodes; one
// deadline holds for all, so it returns no later than that. All answers together have
// 16 MiB, of which each node may have its part, and 256 KiB in any case: ErrTooMuch.
func (c *Cluster) Multicall(ctx context.Context, nodes []string, fn string, args ...any) []Result {
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	if nodes == nil {
		nodes = c.names()
	}
	results := make([]Result, len(nodes))
	body, err := encodeArgs(args)
	most := min(callBytes, max(multicallBytes/max(len(nodes), 1), multicallPart))
	var group sync.WaitGroup
	for i, node := range nodes {
		group.Go(func() {
			began := time.Now()
			if err != nil {
				results[i] = Result{Node: node, Err: fmt.Errorf("call %s on %q: %w", fn, node, err)}
				return
			}
			value, err := c.callWithin(ctx, most, node, fn, body)
			results[i] = Result{Node: node, Value: value, Err: err, Took: time.Since(began)}
		})
	}
	group.Wait()
	return results
}

// names gives the living members' names, each once, this node's first.
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
