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
	callBytes    = 4 << 20 // arguments, and results, as JSON
	maxWordBytes = 64      // of a function's or process's name
)

var (
	// ErrUnknownFunction says that nothing is registered there under that name.
	ErrUnknownFunction = errors.New("no such function")
	// ErrBadArguments says that a function does not take these arguments, or that
	// they are no JSON or too large.
	ErrBadArguments = errors.New("bad arguments")
)

// Func is a function that members may call. Its context ends with the caller's
// deadline, when the caller gives up, and when the cluster is closed. The result
// is sent as JSON. An error reaches the caller as *RemoteError, by its text; one
// that wraps ErrBadArguments stays that. Calls run at the same time, each in a
// goroutine of its own; CallerOf tells whose call it is.
type Func func(ctx context.Context, args Args) (any, error)

// Args are the arguments of a call, each one JSON value.
type Args []json.RawMessage

// Scan reads the arguments into variables, one for each: fewer, more, or others
// are ErrBadArguments, and so are fields that a struct does not have.
func (a Args) Scan(into ...any) error {
	if len(a) != len(into) {
		return fmt.Errorf("%w: %d given, %d taken", ErrBadArguments, len(a), len(into))
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

// Register lets members call f as fn, such as "railway.me". It may be called
// before and after Join. A name that is taken, or not made of lower-case letters,
// digits, "." , "-" and "_", is a mistake in the program, and panics.
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

// names are the names of all functions, sorted.
func (f *functions) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.byName))
}

func isWord(s string) bool {
	return len(s) > 0 && len(s) <= maxWordBytes && only(s, func(c byte) bool { return isHostChar(c) || c == '.' })
}
