// Package files writes a file to a directory, or reads one, with the rights of this process.
//
// It knows neither shells nor HTTP. Its errors are about the name (ErrName), the size (*LimitError), the type of file
// (*TypeError), the data (*SourceError), or come from the system (*Error).
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

// ErrName means that a name, or a path, is not valid.
var ErrName = errors.New("not a valid file name")

// LimitError means that a file is too large.
type LimitError struct {
	Limit int64 // in bytes
}

func (e *LimitError) Error() string { return "the file is larger than " + Size(e.Limit) }

// TypeError means that a path is not that of a regular file.
type TypeError struct {
	Path string
	Mode fs.FileMode
}

func (e *TypeError) Error() string { return fmt.Sprintf("%q is %s", e.Path, typeName(e.Mode)) }

// SourceError means that the data of a file could not be read completely.
type SourceError struct {
	Err error
}

func (e *SourceError) Error() string { return "read the data to store: " + e.Err.Error() }
func (e *SourceError) Unwrap() error { return e.Err }

// Error is the system's error for a path. Err is the cause, without the path.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%q: %v", e.Path, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// pathError converts an error of package os.
func pathError(path string, err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		err = of.Err
	}
	return &Error{path, err}
}

// CheckName returns an ErrName with the reason if name is not valid for a new file: it must be one path element of 1 to
// 255 bytes of UTF-8, without control characters.
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
		reason = "it names a directory"
	case strings.Contains(name, "/"):
		reason = "it contains a slash"
	case strings.ContainsFunc(name, unicode.IsControl):
		reason = "it contains control characters"
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

// typeName names the type of a file.
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

// Size formats a number of bytes: "64 MiB", "2.1 KiB", "1 byte".
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
