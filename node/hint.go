package node

import "fmt"

// HintError is an error with a hint on what to do about it.
type HintError struct {
	Err  error
	Hint string
}

func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error without the hint.
func (e *HintError) Unwrap() error { return e.Err }

// Hintf is fmt.Errorf with a hint.
func Hintf(hint, format string, args ...any) error {
	return &HintError{fmt.Errorf(format, args...), hint}
}
