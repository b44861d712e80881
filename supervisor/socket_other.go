//go:build !linux

package supervisor

import "errors"

func send(int, message) error { return errors.ErrUnsupported }

func receive(int, []byte) (message, error) { return message{}, errors.ErrUnsupported }
