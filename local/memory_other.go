//go:build !linux

package local

import (
	"errors"
	"os"
)

func newMemory() (*os.File, error) { return nil, errors.ErrUnsupported }
