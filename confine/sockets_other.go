//go:build linux && !amd64 && !arm64

package confine

// refuseSockets does nothing here: Try tells.
func refuseSockets() error { return nil }
