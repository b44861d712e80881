package lang

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Node is the node that a session asks.
type Node interface {
	// Call has the node do what fn names. Arguments and result are JSON values. The
	// error's text is for the reader of the prompt.
	Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error)
}

// Config says what a session is.
type Config struct {
	Node  Node
	Out   io.Writer // values, and what print prints
	Color bool      // with the colours of SGR
	Width int       // columns of Out, for tables; 0: 80
	Steps uint64    // that one Run may take; 0: 200 million, some seconds
	Plain bool      // values as JSON, a line each, for programs
}

const (
	defaultSteps = 200_000_000
	// maxNested is how deep calls may be nested: each level takes memory of the process.
	maxNested = 5000
	// lookEvery is how many steps lie between two looks at the depth, which grows by one in a handful of them.
	lookEvery    = 5000
	defaultWidth = 80
)

// dialect is Starlark with what a prompt needs: statements at the top, names that
// may get another value, loops without a bound and functions that call themselves.
// (Steps bound them.)
var dialect = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// Session is what was defined so far. One goroutine may use it at a time.
type Session struct {
	cfg     Config
	globals starlark.StringDict // the library and what was defined
	library starlark.StringDict
	sources map[string]string // what was run, by its name in backtraces
	defs    map[string]string // the source of each def, by function name
	runs    int
	ctx     context.Context // of the Run under way
}

// New makes a session in which nothing but the library is defined.
func New(cfg Config) *Session {
	if cfg.Steps == 0 {
		cfg.Steps = defaultSteps
	}
	if cfg.Width == 0 {
		cfg.Width = defaultWidth
	}
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

// Run runs source: statements, of which the last may be an expression, whose value
// is printed and kept as _. name is what backtraces call the source; "" numbers it.
// It ends early when ctx does, when it has taken too many steps, or with an error
// of the source: an *Error, which can show itself.
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
		Load: func(_ *starlark.Thread, module string) (starlark.StringDict, error) {
			return nil, fmt.Errorf("%s is not loaded: the Convoy shell knows nothing of files", module)
		},
		Print: func(_ *starlark.Thread, text string) { fmt.Fprintln(s.cfg.Out, text) },
	}
	thread.SetMaxExecutionSteps(min(lookEvery, s.cfg.Steps))
	thread.OnMaxSteps = func(thread *starlark.Thread) { // not only at the end: depth is looked at now and then
		switch {
		case thread.Steps >= s.cfg.Steps:
			thread.Cancel(fmt.Sprintf("stopped after %d million steps", s.cfg.Steps/1_000_000))
		case thread.CallStackDepth() > maxNested:
			thread.Cancel(fmt.Sprintf("calls are nested more than %d deep", maxNested))
		default:
			thread.SetMaxExecutionSteps(min(thread.Steps+lookEvery, s.cfg.Steps))
		}
	}
	return thread
}

// exec runs a parsed file and returns the value of the expression at its end, nil
// if there is none.
func (s *Session) exec(thread *starlark.Thread, file *syntax.File) (starlark.Value, error) {
	var last *syntax.ExprStmt
	if n := len(file.Stmts); n > 0 {
		if expr, ok := file.Stmts[n-1].(*syntax.ExprStmt); ok {
			last, file.Stmts = expr, file.Stmts[:n-1]
		}
	}
	s.noteDefs(file)
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
	if b, ok := value.(*starlark.Builtin); ok && nullary[b.Name()] {
		if value, err = starlark.Call(thread, b, nil, nil); err != nil {
			start, _ := last.X.Span()
			return nil, &Error{Text: s.suggest(err.Error()), Places: []place{s.place(start, "")}, cause: err}
		}
	}
	return value, nil
}

// Incomplete reports whether source is the beginning of something: an open bracket
// or string, a block that may go on. An empty line ends a block. What is simply
// wrong is not incomplete.
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

// endsInBlock reports that the last line may have further ones behind it: it is in a block.
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

// endsEarly reports that source is wrong only because it ends where it does.
func endsEarly(source string) bool {
	_, err := dialect.Parse("", source, 0)
	wrong, ok := errors.AsType[syntax.Error](err)
	if !ok {
		return false
	}
	long := strings.Contains(source, `"""`) || strings.Contains(source, "'''") // only such text has several lines
	return strings.Contains(wrong.Msg, "end of file") || long && strings.Contains(wrong.Msg, "unexpected EOF")
}

// SetWidth tells how many columns what is printed may take.
func (s *Session) SetWidth(cols int) {
	if cols > 0 {
		s.cfg.Width = cols
	}
}
