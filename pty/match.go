package pty

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"regexp/syntax"
)

const (
	// patternBytes limits the text of a pattern, and patternSteps the cost of matching it, per byte.
	patternBytes = 200
	patternSteps = 500
	// matchedLine limits a line that is matched; the rest of a longer one counts as a new line. An incomplete line is
	// matched again with each piece of output until it has openLine bytes.
	matchedLine = 4 << 10
	openLine    = 512
)

// ParsePattern compiles a regular expression (RE2) that is cheap to match: its text and its program are bounded.
func ParsePattern(text string) (*regexp.Regexp, error) {
	if text == "" || len(text) > patternBytes {
		return nil, fmt.Errorf("a pattern has 1 to %d bytes", patternBytes)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > patternSteps {
		return nil, fmt.Errorf("the pattern %q costs too much: shorten its repetitions", text)
	}
	return regexp.Compile(text)
}

// controlSequences are what lines contain beside text (ECMA-48): CSI, strings, and escapes.
var controlSequences = regexp.MustCompile(
	"\x1b\\[[0-?]*[ -/]*[@-~]|\x1b[\\]PX^_][^\x07\x1b]*(\x07|\x1b\\\\)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0e-\x1f\x7f]")

// Await returns the first line of output from an offset on that the pattern matches, as it was printed, without control
// sequences and what is not visible, and up to 120 characters. It returns false when the shell or ctx has ended.
// It begins at the first line that is kept whole if that is later. A later call with the same viewer ends this one; it
// counts as no viewer, and slows nothing: output that it missed is not matched. matched, if set, is called with the
// offset from which a later Await continues.
func (s *Shell) Await(
	ctx context.Context, viewer string, from int64, pattern *regexp.Regexp, matched func(off int64),
) (line string, ok bool) {
	s.mu.Lock()
	if from < s.ring.start() {
		from = -1
	}
	s.mu.Unlock()
	var open []byte
	found := func(b []byte) bool {
		b = controlSequences.ReplaceAll(b, nil)
		if ok = pattern.Match(b); ok {
			line = trimTitle(string(bytes.ToValidUTF8(b, nil)))
		}
		return ok
	}
	for event := range s.Follow(ctx, Viewer{ID: viewer, Hidden: true}, from) {
		if event.Kind == Reset {
			open = nil
		}
		if event.Kind == Output {
			open = append(open, event.Bytes...)
		}
		for {
			end := bytes.IndexAny(open[:min(len(open), matchedLine)], "\r\n")
			if end < 0 && len(open) < matchedLine {
				break
			}
			next := end + 1
			if end < 0 {
				end, next = matchedLine, matchedLine
			}
			if found(open[:end]) {
				return line, true
			}
			open = open[next:]
		}
		if len(open) <= openLine && found(open) {
			return line, true
		}
		open = append([]byte(nil), open...)
		if matched != nil {
			matched(drawnOffset(event) - int64(len(open)))
		}
		s.Ack(viewer, drawnOffset(event)) //nolint:errcheck // this offset was yielded
	}
	return "", false
}
