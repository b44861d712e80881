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

// Error is what is wrong with a source, or went wrong in it.
type Error struct {
	Text   string  // a sentence without a full stop
	Places []place // from the outermost call to where it went wrong
	cause  error
}

// place is a line of source, with the column that is meant.
type place struct {
	source    string // its name
	line, col int    // from 1
	text      string
	fn        string // the function that it stands in, "" at the top
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.cause }

// Show is the error as a prompt shows it: in red, with each line that led there and
// a mark under the column.
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

// explain makes an *Error of what Starlark says.
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
		if len(e.Places) > 6 { // deep recursion says the same again and again
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

// absent are names that other languages have, and this one on purpose has not.
var absent = map[string]string{
	"open":       "files",
	"os":         "the system",
	"sys":        "the system",
	"import":     "modules of others",
	"exec":       "processes",
	"eval":       "text as program; rpc.eval does that on a node",
	"subprocess": "processes",
	"System":     "the system",
	"File":       "files",
	"Port":       "processes",
	"input":      "questions",
	"__import__": "modules of others",
	"socket":     "the network",
}

// suggest adds to an error about a name what was probably meant.
func (s *Session) suggest(text string) string {
	if m := undefined.FindStringSubmatch(text); m != nil {
		if what, ok := absent[m[1]]; ok {
			return fmt.Sprintf("%s is not there: the Convoy shell knows nothing of %s", m[1], what)
		}
		text = fmt.Sprintf("the name %s is not defined", m[1])
		if near := nearest(m[1], append(s.globals.Keys(), starlark.Universe.Keys()...)); near != "" {
			text += fmt.Sprintf("; did you mean %s?", near)
		}
		return text
	}
	return text
}

// nearest is the name that differs least from a word, or "" if all differ much.
func nearest(word string, names []string) string {
	best, least := "", len(word)/3+2
	for _, name := range names {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters have to be put in, taken out or changed
// (Levenshtein, 1965).
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
