//go:build !linux

package confine

// SetUndumpable does nothing where there is no such thing.
func SetUndumpable() error { return nil }
