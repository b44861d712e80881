//go:build !linux

package sandbox

import "errors"

func noNewPrivileges() bool { return false }

func tryTrace(int) error { return errors.ErrUnsupported }
