package lang

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Error is an error in a source, or raised by it.
type Error struct {
	Text   string  // a sentence without a full stop
	Places []place // from the outermost call to the cause
	cause  error
}

// place is a position in a source.
type place struct {
	source    string // its name
	line, col int    // 1-based
	text      string
	fn        string // enclosing function; "" at top level
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.cause }

// Show formats an error for a prompt: in red, with each line of the traceback and a mark under the column.
func (s *Session) Show(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Text: err.Error()}
	}
	var b strings.Builder
	b.WriteString(s.paint(red, "error: "+e.Text) + "\n")
	for _, p := range e.Places {
		where := fmt.Sprintf("%s:%d", p.source, p.line)
		if p.fn != "" {
			where += " in " + p.fn
		}
		fmt.Fprintf(&b, "  %s\n    %s\n    %s\n", s.paint(dim, where), p.text, s.paint(red, pointer(p)))
	}
	return b.String()
}

// pointer is a mark under a place's column.
func pointer(p place) string {
	lead := []rune(p.text)
	lead = lead[:max(0, min(p.col-1, len(lead)))]
	for i, r := range lead {
		if r != '\t' {
			lead[i] = ' '
		}
	}
	return string(lead) + "^"
}

// explain converts an error of Starlark to an *Error.
func (s *Session) explain(err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if wrong, ok := errors.AsType[syntax.Error](err); ok {
		return &Error{Text: wrong.Msg, Places: []place{s.place(wrong.Pos, "")}, cause: err}
	}
	if list, ok := errors.AsType[resolve.ErrorList](err); ok && len(list) > 0 {
		return &Error{Text: s.suggest(list[0].Msg), Places: []place{s.place(list[0].Pos, "")}, cause: err}
	}
	if failed, ok := errors.AsType[*starlark.EvalError](err); ok {
		e := &Error{Text: s.suggest(failed.Msg), cause: err}
		if reason, ok := strings.CutPrefix(failed.Msg, "Starlark computation cancelled: "); ok {
			e.Text = reason
		}
		for _, frame := range failed.CallStack {
			if _, known := s.sources[frame.Pos.Filename()]; known {
				e.Places = append(e.Places, s.place(frame.Pos, frame.Name))
			}
		}
		if len(e.Places) > 6 { // deep recursion repeats
			e.Places = slices.Concat(e.Places[:2], e.Places[len(e.Places)-3:])
		}
		return e
	}
	return &Error{Text: err.Error(), cause: err}
}

func (s *Session) place(pos syntax.Position, fn string) place {
	p := place{source: pos.Filename(), line: int(pos.Line), col: int(pos.Col)}
	if fn != "<toplevel>" && fn != "<expr>" {
		p.fn = fn
	}
	lines := strings.Split(s.sources[p.source], "\n")
	if p.line >= 1 && p.line <= len(lines) {
		p.text = lines[p.line-1]
	}
	return p
}

var undefined = regexp.MustCompile(`^undefined: (\w+)`)

// missing are names that other languages have and this one lacks on purpose, with what the error calls them.
var missing = map[string]string{
	"open":       "files",
	"os":         "operating system access",
	"sys":        "operating system access",
	"import":     "imports",
	"exec":       "processes",
	"eval":       "eval; rpc.eval evaluates source on a node",
	"subprocess": "processes",
	"System":     "operating system access",
	"File":       "files",
	"Port":       "processes",
	"input":      "input",
	"__import__": "imports",
	"socket":     "network access",
}

// suggest adds the likely intended name to an error about an undefined one.
func (s *Session) suggest(text string) string {
	if m := undefined.FindStringSubmatch(text); m != nil {
		if what, ok := missing[m[1]]; ok {
			return fmt.Sprintf("%s is not available: the Convoy shell has no %s", m[1], what)
		}
		text = fmt.Sprintf("the name %s is not defined", m[1])
		if near := nearest(m[1], append(s.globals.Keys(), starlark.Universe.Keys()...)); near != "" {
			text += fmt.Sprintf("; did you mean %s?", near)
		}
		return text
	}
	return text
}

// nearest returns the name most similar to a word, or "" if none is similar.
func nearest(word string, names []string) string {
	best, least := "", len(word)/3+2
	for _, name := range names {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for k := range row {
		row[k] = k
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for k := range len(b) {
			change := corner
			if a[i] != b[k] {
				change++
			}
			corner = row[k+1]
			row[k+1] = min(change, row[k]+1, row[k+1]+1)
		}
	}
	return row[len(b)]
}
