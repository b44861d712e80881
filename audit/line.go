package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDetail = 4 << 10 // bytes of a Detail
	maxText   = 256     // bytes of any other text
	// truncatedMark ends a truncated text, and counts against its limit.
	truncatedMark = "… (cut)"
	// maxLine is longer than any line, even if every byte takes six.
	maxLine = 64 << 10
	// maxSeq is the largest integer that is exact in floating point.
	maxSeq = 1<<53 - 1

	timeLayout = "2006-01-02T15:04:05.000000000Z"
	// tailBytes is the length of a line's end that the hash does not cover: ,"hash":"…"}
	tailBytes = len(`,"hash":""}`) + 2*sha256.Size
)

// origin is the Prev of the first entry.
var origin = strings.Repeat("0", 2*sha256.Size)

// Entry records who did what. Append sets Seq, Prev and Hash, and Time if it is zero.
type Entry struct {
	Seq    uint64    `json:"seq"`
	Time   time.Time `json:"time"`
	Node   string    `json:"node"` // where it was done
	User   string    `json:"user"`
	Role   string    `json:"role"`
	Addr   string    `json:"addr"`   // of the user
	Action string    `json:"action"` // such as shell.open
	Target string    `json:"target"` // of the action
	Result string    `json:"result"` // OK, Refused or Failed
	Detail string    `json:"detail"`
	Prev   string    `json:"prev"` // Hash of the previous entry
	Hash   string    `json:"hash"`
}

// Head identifies an entry, and all entries before it.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// Head returns the entry's head.
func (e Entry) Head() Head { return Head{e.Seq, e.Hash} }

// String returns the form that ParseHead reads: SEQ:HASH.
func (h Head) String() string { return strconv.FormatUint(h.Seq, 10) + ":" + h.Hash }

// ParseHead parses SEQ:HASH.
func ParseHead(text string) (Head, error) {
	number, hash, _ := strings.Cut(text, ":")
	seq, err := strconv.ParseUint(number, 10, 64)
	sum, bad := hex.DecodeString(hash)
	if err != nil || bad != nil || len(sum) != sha256.Size || seq > maxSeq {
		return Head{}, fmt.Errorf("%.100q is not the number of an entry, a colon, and 64 hexadecimal digits", text)
	}
	return Head{seq, strings.ToLower(hash)}, nil
}

// Line returns the entry as it is in a file, without the newline.
func (e Entry) Line() []byte { return e.appendTail(e.appendBody(nil)) }

// clean returns the entry with valid texts of limited length.
func (e Entry) clean() Entry {
	for _, text := range []*string{&e.Node, &e.User, &e.Role, &e.Addr, &e.Action, &e.Target, &e.Result} {
		*text = cleanText(*text, maxText)
	}
	e.Detail = cleanText(e.Detail, maxDetail)
	e.Time = e.Time.UTC().Round(0)
	return e
}

// cleanText returns text as valid UTF-8 of at most limit bytes.
func cleanText(text string, limit int) string {
	long := len(text) > limit
	if long {
		text = text[:limit] // first, so that a huge text is cheap
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	if !long && len(text) <= limit {
		return text
	}
	end := min(len(text), limit-len(truncatedMark))
	for end < len(text) && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + truncatedMark
}

// seal links the entry to the previous one, and appends its line to lines.
func (e Entry) seal(before Head, lines []byte) (Entry, []byte) {
	e.Seq, e.Prev = before.Seq+1, before.Hash
	start := len(lines)
	lines = e.appendBody(lines)
	e.Hash = hashOf(lines[start:])
	return e, append(e.appendTail(lines), '\n')
}

// appendBody appends the hashed part of the line.
func (e Entry) appendBody(b []byte) []byte {
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, e.Seq, 10)
	b = append(b, `,"time":"`...)
	b = append(e.Time.AppendFormat(b, timeLayout), '"')
	for _, field := range [...]struct{ name, text string }{
		{`,"node":`, e.Node}, {`,"user":`, e.User}, {`,"role":`, e.Role}, {`,"addr":`, e.Addr}, {`,"action":`, e.Action},
		{`,"target":`, e.Target}, {`,"result":`, e.Result}, {`,"detail":`, e.Detail}, {`,"prev":`, e.Prev},
	} {
		b = appendText(append(b, field.name...), field.text)
	}
	return b
}

// appendTail appends the rest of the line.
func (e Entry) appendTail(b []byte) []byte {
	return append(appendText(append(b, `,"hash":`...), e.Hash), '}')
}

// appendText appends a JSON string in ASCII.
func appendText(b []byte, text string) []byte {
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= 0x20 && r <= 0x7e:
			b = append(b, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = appendEscape(appendEscape(b, high), low)
		default:
			b = appendEscape(b, r)
		}
	}
	return append(b, '"')
}

func appendEscape(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// decode parses a line without its newline. It accepts only the exact bytes that seal writes, and does not check the
// hash.
func decode(line []byte) (Entry, error) {
	var e Entry
	if len(line) > maxLine || json.Unmarshal(line, &e) != nil || e.Seq == 0 || e.Seq > maxSeq ||
		len(e.Hash) != 2*sha256.Size {
		return Entry{}, errFormat
	}
	if string(e.Line()) != string(line) {
		return Entry{}, errFormat
	}
	return e, nil
}

// sealed reports whether the hash of a decoded line is correct.
func (e Entry) sealed(line []byte) bool { return hashOf(line[:len(line)-tailBytes]) == e.Hash }
