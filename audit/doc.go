// Package audit keeps a log of who did what: append-only files in which each line includes the hash of the line before
// (a hash chain), so that changes are detected.
//
// # Format
//
// A log is a directory of files named audit-YYYYMMDD-HHMMSS-SEQ.jsonl: the time of the file's creation in UTC, and the
// number of its first entry in 16 digits. That number orders the files. A line is one JSON object and a newline (0x0A),
// with exactly these members in this order, and no spaces between them:
//
//	{"seq":7,"time":"2026-11-25T10:15:02.000000001Z","node":"…","user":"…","role":"…","addr":"…","action":"…",
//	"target":"…","result":"ok","detail":"…","prev":"…","hash":"…"}
//
// (wrapped here for width). seq counts from 1, without gaps, across files, up to 2^53-1. time is UTC with nanoseconds.
// In strings, " and \ are escaped with a \, and all characters except U+0020 to U+007E are written as \uXXXX in lower
// case, those above U+FFFF as a surrogate pair. So a line is printable ASCII, safe to show in any terminal. Strings are
// valid UTF-8: invalid bytes become U+FFFD.
//
// hash is the SHA-256, in 64 lower case hexadecimal digits, of the line's bytes from { up to, but not including, the
// comma before "hash". So the hash covers all of a line except its last 75 bytes. prev is the hash of the previous
// line, even in another file; in the first entry it is 64 zeros. This checks a line with other tools:
//
//	line=$(sed -n 3p FILE); printf %s "${line%,\"hash\":*}" | sha256sum
//
// # Limits
//
// A log may have a maximum size and age ([Config]). Beyond these it removes whole files, the oldest first. An entry
// [Dropped] names the last removed entry, so that [Verify] can tell files that the log removed from those that someone
// else did. The chain then begins with the first entry that is left.
//
// # Guarantees
//
// [Verify] detects any change to a line before the last one. The chain has no secret: anyone who can write the files
// can replace the lines from some point to the end, or remove the newest ones, and the files do not show it. To detect
// that too, record the number and hash of the newest entry ([Log.Head]) where that person cannot write, and pass it to
// [Verify].
package audit

import "errors"

// The results of an action.
const (
	OK      = "ok"
	Refused = "refused" // not allowed
	Failed  = "failed"  // allowed, but failed
)

// Actions of the log itself.
const (
	// Recovered means that the log ended with an incomplete line, which was removed. Target is the file.
	Recovered = "audit.recovered"
	// Dropped means that the log removed its oldest files because of its size or their age. Target is the last of them;
	// Detail begins with the head (SEQ:HASH) of its last entry, which the first remaining entry follows.
	Dropped = "audit.dropped"
	// Broken means that the chain was found broken. Target is the file, Detail the place and the reason. The chain
	// continues with this entry.
	Broken = "audit.broken"
	// Lost means that entries could not be written, such as on a full disk. Detail begins with their number, and continues
	// with the times of the first and the last one and the reason. The log adds it to the chain with the next entry that
	// can be written, or when it is closed. If the process ends before, the file lost keeps the count for the next one.
	Lost = "audit.lost"
)

var (
	// ErrLocked means that a process has the log open already.
	ErrLocked = errors.New("the audit log is already open")
	// ErrClosed means that the log was closed.
	ErrClosed = errors.New("the audit log is closed")
	// ErrResult means that the result of an entry is not valid.
	ErrResult = errors.New("the result of an audited action is ok, refused or failed")
	// ErrNone means that a directory has no audit log.
	ErrNone = errors.New("no audit log")

	errFull   = errors.New("the audit log has used all numbers")
	errFormat = errors.New("not a line of an audit log")
)
