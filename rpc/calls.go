package rpc

import (
	"context"
	"encoding/json"
	"fmt"

	"convoy/access"
)

// calls bound what the Convoy shells of each user, and of all, may have under way on this node.
type callQuotas struct {
	large access.Quota // calls that may have large answers
	bytes access.Quota // of arguments
}

func newCallQuotas() *callQuotas {
	return &callQuotas{
		large: access.Quota{Total: 32, Reserve: 4, PerUser: 8, MaxWaiting: 16},
		bytes: access.Quota{Total: 64 << 20, Reserve: 8 << 20, PerUser: 16 << 20},
	}
}

// small are the functions that wait for long, or answer little: they are not counted.
var unmetered = map[string]bool{
	"receive":     true,
	"fleet.wait":  true,
	"node.self":   true,
	"self":        true,
	"fleet.names": true,
}

// begin takes what a call needs, and waits for its turn if it may have a large answer; end gives it back.
func (c *callQuotas) acquire(
	ctx context.Context,
	who access.Identity,
	fn string,
	args []json.RawMessage,
) (end func(), err error) {
	n := 0
	for _, arg := range args {
		n += len(arg)
	}
	forget, err := c.bytes.TryAcquire(access.Claim{Identity: who, N: n})
	if err != nil {
		return nil, fmt.Errorf("too many bytes in arguments of calls: %w", err)
	}
	if unmetered[fn] {
		return forget, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	done, err := c.large.Acquire(ctx, access.Claim{Identity: who})
	if err != nil {
		forget()
		return nil, fmt.Errorf("too many calls at once: %w", err)
	}
	return func() { done(); forget() }, nil
}
