package rpc

import (
	"context"
	"encoding/json"
	"fmt"

	"convoy/access"
)

// callQuotas limits the calls in progress of Convoy shells on this node, for each user and in total.
type callQuotas struct {
	large access.Quota // calls that may have large results
	bytes access.Quota // of arguments
}

func newCallQuotas() *callQuotas {
	return &callQuotas{
		large: access.Quota{Total: 32, Reserve: 4, PerUser: 8, MaxWaiting: 16},
		bytes: access.Quota{Total: 64 << 20, Reserve: 8 << 20, PerUser: 16 << 20},
	}
}

// unmetered functions wait for long, or have small results.
var unmetered = map[string]bool{
	"receive":     true,
	"fleet.wait":  true,
	"node.self":   true,
	"self":        true,
	"fleet.names": true,
}

// acquire takes the quota of a call, and waits for its turn if the result may be large. It returns the function that
// releases it.
func (c *callQuotas) acquire(ctx context.Context, who access.Identity, fn string, args []json.RawMessage) (
	func(), error) {
	n := 0
	for _, arg := range args {
		n += len(arg)
	}
	releaseBytes, err := c.bytes.TryAcquire(access.Claim{Identity: who, N: n})
	if err != nil {
		return nil, fmt.Errorf("too many bytes in arguments of calls: %w", err)
	}
	if unmetered[fn] {
		return releaseBytes, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	releaseCall, err := c.large.Acquire(ctx, access.Claim{Identity: who})
	if err != nil {
		releaseBytes()
		return nil, fmt.Errorf("too many calls at once: %w", err)
	}
	return func() { releaseCall(); releaseBytes() }, nil
}
