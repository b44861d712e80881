package node

import "fmt"

// HintError is an error with what to do about it, for a person.
type HintError struct {
	Err  error
	Hint string
}

func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error without the hint.
func (e *HintError) Unwrap() error { return e.Err }

// Hintf makes an error of a format, as fmt.Errorf does, with a hint.
func Hintf(hint, format string, args ...any) error {
	return &HintError{fmt.Errorf(format, args...), hint}
}
