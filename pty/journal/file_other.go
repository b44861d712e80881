//go:build !linux

package journal

import (
	"errors"
	"os"
)

// Supported reports whether this system has journals.
const Supported = false

func create(int, int) (*os.File, []byte, error) { return nil, nil, errors.ErrUnsupported }

func openFile(*os.File) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) {}
