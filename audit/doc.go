// Package audit keeps a log of who did what: files that are only appended to, in which each line seals the one before
// it (a hash chain), so that a change to what was written is found.
//
// # The format
//
// A log is a directory of files named audit-YYYYMMDD-HHMMSS-SEQ.jsonl: when the file was begun, in UTC, and the number
// of its first entry, in 16 digits with zeros in front. Files follow one another by that number. A line is one JSON
// object and a newline (0x0A), nothing else, with exactly these members in this order and no blanks between them:
//
//	{"seq":7,"time":"2026-11-25T10:15:02.000000001Z","node":"…","user":"…","role":"…","addr":"…","action":"…",
//	"target":"…","result":"ok","detail":"…","prev":"…","hash":"…"}
//
// (here on two lines for the page's sake). seq counts from 1, without gaps, across files, up to 2^53-1. time is UTC
// with nine digits of a second. In all texts " and \ have a \ before them; whatever is not one of the characters U+0020
// to U+007E is written as \uXXXX, lower case, those above U+FFFF as a surrogate pair. So a line is plain ASCII without
// controls, whatever was logged, and may be shown in any terminal. Texts are valid UTF-8: bytes that were not have
// become U+FFFD.
//
// hash is SHA-256, in 64 lower case hexadecimal digits, of the line's own bytes from { up to the comma before "hash",
// that comma not included. The last 75 bytes of a line, without its newline, are therefore not hashed, and all others
// are. prev is the hash of the line before, also if that stands in another file; before the first line of all it is 64
// zeros. This checks a line with other tools:
//
//	line=$(sed -n 3p FILE); printf %s "${line%,\"hash\":*}" | sha256sum
//
// # What it keeps
//
// A log may have a size and an age ([Config]). What is beyond that is removed by whole files, the oldest first; an
// entry [Dropped] names the last entry that is gone, so that [Verify] tells files that the log removed itself from
// those that somebody else did. The chain begins with what is left.
//
// # What it shows
//
// Any change to lines that others follow is found by [Verify]. The chain has no secret: who may write the files can
// write another chain from some line to the end, or cut off the newest lines, and nothing in the files tells. That is
// why [Log.Head] gives the number and hash of the newest entry: noted where the same person cannot write, it makes
// [Verify] find those, too.
package audit

import "errors"

// The results of an action.
const (
	OK      = "ok"
	Refused = "refused" // it was not allowed
	Failed  = "failed"  // it was allowed, and did not work
)

// Actions of the log's own.
const (
	// Recovered says that the log was closed in the middle of a line, which was cut off. Target is its file.
	Recovered = "audit.recovered"
	// Dropped says that the log removed its oldest files, since it had become too large or they too old. Target is the
	// last of them; Detail begins with the head (SEQ:HASH) of its last entry, which the first entry that is left follows.
	Dropped = "audit.dropped"
	// Broken says that the chain was found broken. Target is the file, Detail says where and why. The chain goes on with
	// this entry.
	Broken = "audit.broken"
)

var (
	// ErrLocked says that another process, or this one, has the log open.
	ErrLocked = errors.New("the audit log is open elsewhere")
	// ErrClosed says that the log was closed.
	ErrClosed = errors.New("the audit log is closed")
	// ErrResult says that an entry has another result than those there are.
	ErrResult = errors.New("the result of an audited action is ok, refused or failed")
	// ErrNone says that a directory has no audit log.
	ErrNone = errors.New("no audit log")

	errFull   = errors.New("the audit log has no numbers left")
	errFormat = errors.New("no line of an audit log")
)
