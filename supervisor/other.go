//go:build !linux

package supervisor

import (
	"context"
	"errors"
	"os"
)

// Supported reports whether nodes have a supervisor on this system.
const Supported = false

// Executable is this program's file.
func Executable() (string, error) { return os.Executable() }

// Do fails: there are no supervisors here.
func Do(context.Context, string, string) (string, error) { return "", errors.ErrUnsupported }

// SetName does nothing.
func SetName() {}

// Wanted is false.
func Wanted() bool { return false }

// Run is never called.
func Run() int { return 1 }
