package lang

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	starjson "go.starlark.net/lib/json"
	"go.starlark.net/lib/math"
	"go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// entry is one built-in function. The library, help, and completion all derive from this list.
type entry struct {
	name    string // with its module: "rpc.call"
	params  string // as help shows them: "node, fn, *args, timeout=30"
	doc     string // lists show its first sentence
	nullary bool   // callable at a prompt without parentheses
	run     builtin
}

// entries lists everything that the Convoy shell adds to Starlark.
func entries() []entry {
	return slices.Concat(nodeEntries, rpcEntries, processEntries, fleetEntries, logEntries, shellEntries, []entry{
		{
			"help",
			"x=None",
			"Lists all functions, or describes x: help(), help(rpc.call), help(\"rpc\").",
			true,
			(*Session).help,
		},
	})
}

// makeLibrary builds the modules and functions of a session.
func (s *Session) makeLibrary() starlark.StringDict {
	lib := starlark.StringDict{"time": time.Module, "json": starjson.Module, "math": math.Module}
	modules := map[string]starlark.StringDict{}
	for _, e := range entries() {
		b := starlark.NewBuiltin(
			e.name,
			func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
				return e.run(s, b, args, kwargs)
			},
		)
		module, fn, ok := strings.Cut(e.name, ".")
		if !ok {
			lib[e.name] = b
			continue
		}
		if modules[module] == nil {
			modules[module] = starlark.StringDict{}
		}
		modules[module][fn] = b
	}
	for name, members := range modules {
		lib[name] = &starlarkstruct.Module{Name: name, Members: members}
	}
	lib["Node"] = &starlarkstruct.Module{Name: "Node", Members: modules["node"]} // the demo's spelling
	return lib
}

// help is the built-in help().
func (s *Session) help(_ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var about starlark.Value = starlark.None
	if err := starlark.UnpackArgs("help", args, kwargs, "x?", &about); err != nil {
		return nil, err
	}
	switch x := about.(type) {
	case starlark.NoneType:
		s.helpAll()
	case *starlark.Builtin:
		return starlark.None, s.helpName(x.Name())
	case *starlarkstruct.Module:
		return starlark.None, s.helpName(x.Name)
	case starlark.String:
		return starlark.None, s.helpName(string(x))
	case *starlark.Function:
		fmt.Fprintln(s.cfg.Out, cmp.Or(strings.TrimSpace(x.Doc()), "a function defined here, without a docstring"))
	default:
		fmt.Fprintf(s.cfg.Out, "a %s\n", x.Type())
	}
	return starlark.None, nil
}

// helpName prints the help for a function, or for all functions of a module.
func (s *Session) helpName(name string) error {
	name = strings.Replace(name, "Node", "node", 1)
	found := false
	for _, e := range entries() {
		switch {
		case e.name == name:
			fmt.Fprintf(
				s.cfg.Out, "%s\n\n    %s\n", s.paint(bold, e.name+"("+e.params+")"),
				strings.ReplaceAll(wrap(e.doc, s.cfg.Width-4), "\n", "\n    "),
			)
			found = true
		case strings.HasPrefix(e.name, name+"."):
			s.helpLine(e)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("no help for %q; help() lists all functions", name)
	}
	return nil
}

func (s *Session) helpAll() {
	fmt.Fprintln(
		s.cfg.Out,
		wrap(
			"This is Starlark, a small Python, with the fleet as its library. Your input is evaluated on this node. _ is the "+
				"last value, Tab completes, Ctrl-C stops.",
			s.cfg.Width,
		),
	)
	fmt.Fprintln(s.cfg.Out)
	for _, e := range entries() {
		s.helpLine(e)
	}
	fmt.Fprintf(
		s.cfg.Out, "\n%s\n",
		wrap("json, math and time are Starlark's own modules. help(rpc.call) describes a function.", s.cfg.Width),
	)
}

// helpLine prints a function and the first sentence of its help.
func (s *Session) helpLine(e entry) {
	first, _, _ := strings.Cut(e.doc, ". ")
	call := e.name + "(" + e.params + ")"
	fmt.Fprintf(s.cfg.Out, "  %s\n      %s\n", s.paint(bold, call), strings.TrimSuffix(first, ".")+".")
}

func isNullary(name string) bool {
	return slices.ContainsFunc(entries(), func(e entry) bool { return e.nullary && e.name == name })
}
