//go:build !linux

package peer

import "syscall"

// setUserTimeout does nothing without TCP_USER_TIMEOUT: HTTP/2's pings and write timeout detect a dead connection a
// little later.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
