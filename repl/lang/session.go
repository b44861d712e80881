package lang

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Node is the node that a session calls.
type Node interface {
	// Call runs the function fn. Arguments and result are JSON values. The error's text is shown to the user.
	Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error)
}

// Config configures a session.
type Config struct {
	Node  Node
	Out   io.Writer // values, and what print prints
	Color bool      // with SGR colours
	Width int       // columns of Out, for tables; 0: 80
	Steps uint64    // limit per Run; 0: 200 million, a few seconds
	Plain bool      // values as JSON, one per line, for programs
}

const (
	defaultSteps = 200_000_000
	// maxNested limits the call depth: each level takes memory of the process.
	maxNested = 5000
	// depthCheckSteps is the number of steps between two checks of the call depth.
	depthCheckSteps = 5000
	defaultWidth    = 80
)

// dialect extends Starlark for a prompt: statements at top level, reassignment, unbounded loops, and recursion. The
// step limit bounds them.
var dialect = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// Session holds definitions. Use it from one goroutine at a time.
type Session struct {
	cfg     Config
	globals starlark.StringDict // the library and the session's definitions
	library starlark.StringDict
	sources map[string]string // source by name, for tracebacks
	defs    map[string]string // source of each def, by function name
	runs    int
	ctx     context.Context // of the current Run
}

// New returns a session that defines only the library.
func New(cfg Config) *Session {
	cfg.Steps = cmp.Or(cfg.Steps, defaultSteps)
	cfg.Width = cmp.Or(cfg.Width, defaultWidth)
	s := &Session{
		cfg:     cfg,
		globals: starlark.StringDict{},
		sources: map[string]string{},
		defs:    map[string]string{},
		ctx:     context.Background(),
	}
	s.library = s.makeLibrary()
	for name, value := range s.library {
		s.globals[name] = value
	}
	return s
}

// Run runs statements. If the last is an expression, Run prints its value and keeps it as _. Tracebacks call the source
// name; "" numbers it. Run ends early when ctx ends, at the step limit, or with an error of the source: an *Error,
// which Show formats.
func (s *Session) Run(ctx context.Context, name, source string) error {
	s.runs++
	if name == "" {
		name = fmt.Sprintf("<%d>", s.runs)
	}
	s.sources[name] = source
	file, err := dialect.Parse(name, source, 0)
	if err != nil {
		return s.explain(err)
	}
	thread := s.thread(name)
	stop := context.AfterFunc(ctx, func() { thread.Cancel("interrupted") })
	defer stop()
	s.ctx = ctx
	value, err := s.exec(thread, file)
	if err != nil {
		return s.explain(err)
	}
	if value == nil || value == starlark.None {
		return nil
	}
	s.globals["_"] = value
	return s.print(value)
}

func (s *Session) thread(name string) *starlark.Thread {
	thread := &starlark.Thread{
		Name: name,
		Load: func(*starlark.Thread, string) (starlark.StringDict, error) {
			return nil, errors.New("the Convoy shell has no files")
		},
		Print: func(_ *starlark.Thread, text string) { fmt.Fprintln(s.cfg.Out, text) },
	}
	thread.SetMaxExecutionSteps(min(depthCheckSteps, s.cfg.Steps))
	thread.OnMaxSteps = func(thread *starlark.Thread) { // checks the depth as well
		switch {
		case thread.Steps >= s.cfg.Steps:
			thread.Cancel(fmt.Sprintf("stopped after %d million steps", s.cfg.Steps/1_000_000))
		case thread.CallStackDepth() > maxNested:
			thread.Cancel(fmt.Sprintf("calls are nested more than %d deep", maxNested))
		default:
			thread.SetMaxExecutionSteps(min(thread.Steps+depthCheckSteps, s.cfg.Steps))
		}
	}
	return thread
}

// exec runs a parsed file and returns the value of its last expression, nil if there is none.
func (s *Session) exec(thread *starlark.Thread, file *syntax.File) (starlark.Value, error) {
	var last *syntax.ExprStmt
	if n := len(file.Stmts); n > 0 {
		if expr, ok := file.Stmts[n-1].(*syntax.ExprStmt); ok {
			last, file.Stmts = expr, file.Stmts[:n-1]
		}
	}
	s.recordDefs(file)
	if len(file.Stmts) > 0 {
		if err := starlark.ExecREPLChunk(file, thread, s.globals); err != nil {
			return nil, err
		}
	}
	if last == nil {
		return nil, nil
	}
	value, err := starlark.EvalExprOptions(dialect, thread, last.X, s.globals)
	if err != nil {
		return nil, err
	}
	if b, ok := value.(*starlark.Builtin); ok && isNullary(b.Name()) {
		if value, err = starlark.Call(thread, b, nil, nil); err != nil {
			start, _ := last.X.Span()
			return nil, &Error{Text: s.suggest(err.Error()), Places: []place{s.place(start, "")}, cause: err}
		}
	}
	return value, nil
}

// Incomplete reports whether source needs more input: an open bracket or string, or a block. An empty line ends a
// block. Erroneous source is complete.
func Incomplete(source string) bool {
	last := source[strings.LastIndexByte(source, '\n')+1:]
	if strings.TrimSpace(last) == "" && strings.Contains(source, "\n") {
		return endsEarly(source) && !strings.HasSuffix(source, "\n\n")
	}
	if endsEarly(source) {
		return true
	}
	return strings.Contains(source, "\n") && endsInBlock(source)
}

// endsInBlock reports whether the last line is in a block, which may continue.
func endsInBlock(source string) bool {
	file, err := dialect.Parse("", source, 0)
	if err != nil || len(file.Stmts) == 0 {
		return false
	}
	switch file.Stmts[len(file.Stmts)-1].(type) {
	case *syntax.DefStmt, *syntax.IfStmt, *syntax.ForStmt, *syntax.WhileStmt:
		return true
	}
	return false
}

// endsEarly reports whether the only error in source is that it ends.
func endsEarly(source string) bool {
	_, err := dialect.Parse("", source, 0)
	wrong, ok := errors.AsType[syntax.Error](err)
	if !ok {
		return false
	}
	long := strings.Contains(source, `"""`) || strings.Contains(source, "'''") // only these strings span lines
	return strings.Contains(wrong.Msg, "end of file") || long && strings.Contains(wrong.Msg, "unexpected EOF")
}

// SetWidth sets the width of Out in columns.
func (s *Session) SetWidth(cols int) {
	if cols > 0 {
		s.cfg.Width = cols
	}
}
