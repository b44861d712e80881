//go:build !unix

package peer

import "time"

// cpuTime is unknown here.
func cpuTime() time.Duration { return 0 }
