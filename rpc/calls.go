package rpc

import (
	"context"
	"encoding/json"
	"fmt"

	"convoy/access"
)

// calls bound what the Convoy shells of each user, and of all, may have under way on this node.
type calls struct {
	large access.Bound // calls that may have large answers
	bytes access.Bound // of arguments
}

func newCalls() *calls {
	return &calls{
		large: access.Bound{Total: 32, Reserve: 4, Each: 8, Waiting: 16},
		bytes: access.Bound{Total: 64 << 20, Reserve: 8 << 20, Each: 16 << 20},
	}
}

// small are the functions that wait for long, or answer little: they are not counted.
var small = map[string]bool{"receive": true, "fleet.wait": true, "node.self": true, "self": true, "fleet.names": true}

// begin takes what a call needs, and waits for its turn if it may have a large answer; end gives it back.
func (c *calls) begin(ctx context.Context, who access.Who, fn string, args []json.RawMessage) (end func(), err error) {
	n := 0
	for _, arg := range args {
		n += len(arg)
	}
	forget, err := c.bytes.Take(access.Claim{Who: who, N: n})
	if err != nil {
		return nil, fmt.Errorf("too many bytes in arguments of calls: %w", err)
	}
	if small[fn] {
		return forget, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	done, err := c.large.Wait(ctx, access.Claim{Who: who})
	if err != nil {
		forget()
		return nil, fmt.Errorf("too many calls at once: %w", err)
	}
	return func() { done(); forget() }, nil
}
