// Package files puts a file into a directory and takes one out, as the user that
// the program runs as: what may be written and read is what the system lets that
// user write and read.
//
// It knows no shells and no HTTP. Its errors say what is wrong with the name
// (ErrName), the size (*LimitError), the kind of file (*KindError), the source
// (*SourceError), or what the system says (*Error).
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"
)

// nameBytes bounds a file's name, as Linux does.
const nameBytes = 255

// ErrName says that a name, or a path, cannot be a file's.
var ErrName = errors.New("no name of a file")

// LimitError says that a file is larger than it may be.
type LimitError struct {
	Limit int64 // bytes
}

func (e *LimitError) Error() string { return "the file is larger than " + Size(e.Limit) }

// KindError says that a path leads to something else than a regular file.
type TypeError struct {
	Path string
	Mode fs.FileMode
}

func (e *TypeError) Error() string { return fmt.Sprintf("%q is %s", e.Path, typeName(e.Mode)) }

// SourceError says that the bytes of a file did not come whole.
type SourceError struct {
	Err error
}

func (e *SourceError) Error() string { return "read what is to be stored: " + e.Err.Error() }
func (e *SourceError) Unwrap() error { return e.Err }

// Error is what the system says of a path. Err is its cause, without the path.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%q: %v", e.Path, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// failed wraps what the os package returned for a path.
func pathError(path string, err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	return &Error{path, err}
}

// CheckName returns ErrName, with the reason, for what cannot be the name of a
// new file: it must be one element of a path, UTF-8 without control characters,
// of 1 to 255 bytes.
func CheckName(name string) error {
	reason := ""
	switch {
	case name == "":
		reason = "it is empty"
	case len(name) > nameBytes:
		reason = fmt.Sprintf("it is longer than %d bytes", nameBytes)
	case !utf8.ValidString(name):
		reason = "it is not UTF-8"
	case name == "." || name == "..":
		reason = "it is a directory's"
	case strings.ContainsAny(name, "/\\"):
		reason = "it has a slash in it"
	case strings.ContainsFunc(name, unicode.IsControl):
		reason = "it has control characters in it"
	default:
		return nil
	}
	return fmt.Errorf("%w: %q: %s", ErrName, clip(name), reason)
}

// clip shortens a text for a message.
func clip(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// kind says in words what a mode's type is.
func typeName(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}

// Size is a number of bytes for people: "64 MiB", "2.1 KiB", "1 byte".
func Size(n int64) string {
	if n < 1<<10 {
		if n == 1 {
			return "1 byte"
		}
		return fmt.Sprintf("%d bytes", n)
	}
	value, units := float64(n)/(1<<10), []string{"KiB", "MiB", "GiB", "TiB"}
	for value >= 1<<10 && len(units) > 1 {
		value, units = value/(1<<10), units[1:]
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0") + " " + units[0]
}
