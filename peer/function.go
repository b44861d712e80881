package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

const (
	callBytes    = 4 << 20 // arguments or results, as JSON
	maxWordBytes = 64      // of a function or process name
)

var (
	// ErrUnknownFunction reports that no function has that name.
	ErrUnknownFunction = errors.New("no such function")
	// ErrBadArguments reports arguments that a function does not accept, malformed JSON, or too much of it.
	ErrBadArguments = errors.New("bad arguments")
)

// Func is a function that members may call. Its context ends with the caller's deadline, when the caller gives up, and
// when the cluster is closed. The result is sent as JSON. An error reaches the caller as *RemoteError with its text;
// one that wraps ErrBadArguments remains that. Calls run concurrently; CallerOf identifies the caller.
type Func func(ctx context.Context, args Args) (any, error)

// Args are the arguments of a call, one JSON value each.
type Args []json.RawMessage

// Scan decodes the arguments into variables, one each. A different number, other types, and unknown fields of structs
// are ErrBadArguments.
func (a Args) Scan(into ...any) error {
	if len(a) != len(into) {
		return fmt.Errorf("%w: %d given, want %d", ErrBadArguments, len(a), len(into))
	}
	for i, v := range into {
		d := json.NewDecoder(bytes.NewReader(a[i]))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			return fmt.Errorf("%w: number %d: %w", ErrBadArguments, i+1, err)
		}
	}
	return nil
}

// functions are what members may call on this node.
type functions struct {
	mu     sync.Mutex
	byName map[string]Func
}

// Register lets members call f as fn, such as "railway.me", before or after Join. It panics if the name is taken, or is
// not made of lower-case letters, digits, ".", "-", and "_".
func (c *Cluster) Register(fn string, f Func) {
	if !isWord(fn) {
		panic(fmt.Sprintf("peer: register %q: not a function's name", fn))
	}
	c.functions.mu.Lock()
	defer c.functions.mu.Unlock()
	if c.functions.byName[fn] != nil {
		panic(fmt.Sprintf("peer: register %q: taken", fn))
	}
	c.functions.byName[fn] = f
}

func (f *functions) get(fn string) (Func, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, ok := f.byName[fn]
	return found, ok
}

// names returns the names of all functions, sorted.
func (f *functions) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.byName))
}

func isWord(s string) bool {
	return len(s) > 0 && len(s) <= maxWordBytes && allBytes(s, func(c byte) bool { return isHostChar(c) || c == '.' })
}
