//go:build !linux

package peer

import "syscall"

// setUserTimeout does nothing where there is no TCP_USER_TIMEOUT: HTTP/2's pings
// and its write timeout find a dead connection a little later.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
