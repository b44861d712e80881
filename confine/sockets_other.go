//go:build linux && !amd64 && !arm64

package confine

// denyUnixSockets does nothing on this architecture; the probe reports it.
func refuseSockets() error { return nil }
