//go:build !linux

package confine

import "errors"

// Spawn needs Linux.
func Spawn(int, []string, []string) error { return errors.ErrUnsupported }
