package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// errorBody is the body of an error response.
type errorBody struct {
	Kind  string `json:"kind"`
	Error string `json:"error"`
}

// errorKinds map errors to a kind and a status. A function's own errors are "failed" and have no sentinel.
var errorKinds = []struct {
	kind   string
	status int
	err    error
}{
	{"unknown function", http.StatusNotFound, ErrUnknownFunction},
	{"bad arguments", http.StatusBadRequest, ErrBadArguments},
	{"timeout", http.StatusGatewayTimeout, context.DeadlineExceeded},
	{"no process", http.StatusNotFound, ErrNoProcess},
	{"mailbox full", http.StatusTooManyRequests, ErrMailboxFull},
	{"late", http.StatusConflict, errLate},
}

const kindFailed = "failed"

// writeError responds with an error. Its text omits the sentinel's, which the caller adds again.
func writeError(w http.ResponseWriter, err error) {
	p, status := errorBody{Kind: kindFailed, Error: err.Error()}, http.StatusInternalServerError
	for _, k := range errorKinds {
		if errors.Is(err, k.err) {
			p.Kind, status = k.kind, k.status
			p.Error = strings.TrimPrefix(strings.TrimPrefix(p.Error, k.err.Error()), ": ")
			break
		}
	}
	writeJSON(w, status, p)
}

// decodeError returns the error of an error response.
func decodeError(status int, body []byte, node, fn string) error {
	var p errorBody
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("%w: status %d", ErrUnreachable, status)
	}
	for _, k := range errorKinds {
		if p.Kind != k.kind {
			continue
		}
		if p.Error == "" {
			return k.err
		}
		return fmt.Errorf("%w: %s", k.err, p.Error)
	}
	return &RemoteError{Node: node, Function: fn, Message: p.Error}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		writeError(w, fmt.Errorf("encode the result: %w", err))
		return
	}
	if status == http.StatusOK && len(body) > callBytes {
		writeError(w, fmt.Errorf("result of more than %d bytes", callBytes))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

// routes serves calls and messages, and everything else with the handler given to Join.
func (c *Cluster) routes(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fn, ok := strings.CutPrefix(r.URL.Path, "/call/"); ok && r.Method == http.MethodPost {
			c.serveCall(w, r, fn)
		} else if process, ok := strings.CutPrefix(r.URL.Path, "/send/"); ok && r.Method == http.MethodPost {
			c.serveSend(w, r, process)
		} else {
			h.ServeHTTP(w, r)
		}
	})
}

// serveCall is POST /call/{fn}: the body is an array of arguments, the answer the result.
func (c *Cluster) serveCall(w http.ResponseWriter, r *http.Request, fn string) {
	f, ok := c.functions.get(fn)
	if !ok {
		writeError(w, ErrUnknownFunction)
		return
	}
	timeout, err := time.ParseDuration(r.Header.Get(timeoutHeader))
	if err != nil {
		writeError(w, fmt.Errorf("%w: %s: %w", ErrBadArguments, timeoutHeader, err))
		return
	}
	var args Args
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, callBytes)).Decode(&args); err != nil {
		writeError(w, fmt.Errorf("%w: %w", ErrBadArguments, err))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	result, err := c.runFunction(ctx, fn, f, args)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, result)
}

// runFunction turns a function's panic into that call's error.
func (c *Cluster) runFunction(ctx context.Context, fn string, f Func, args Args) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("function panicked", "fn", fn, "err", p, "stack", string(debug.Stack()))
			result, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	return f(ctx, args)
}
