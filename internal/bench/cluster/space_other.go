//go:build !linux

package main

import "errors"

func enterSpace([]string) (status int, entered bool, err error) {
	return 0, false, errors.ErrUnsupported
}

func openSpace() error { return errors.ErrUnsupported }
