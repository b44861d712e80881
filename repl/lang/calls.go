package lang

import (
	"fmt"
	gotime "time"

	"go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// The built-in functions, by module. Most of them forward their arguments to the node.

var nodeEntries = []entry{
	{"node.self", "", "The name of the node that this shell runs on.", true, forward("node.self")},
	{"node.list", "", "The names of the other nodes that this one is connected to.", true, forward("node.list")},
	{
		"node.info",
		"name=None",
		"The details of a node, by default this one: instance, version, addresses, memory, members. Read its fields with a " +
			"dot: node.info().version.",
		true,
		forward("node.info", "name?"),
	},
	{
		"node.stats",
		"name=None, minutes=15",
		"What a node used in the last minutes, by default this one: latest, limits, series and shells. " +
			"node.stats().latest.cpu is in cores, memory in bytes.",
		true,
		forward("node.stats", "name?", "minutes?"),
	},
	{
		"node.connect",
		"name",
		"Connects this node to another, such as \"convoy@host:4444\". True once it is in the list; False, with the reason " +
			"printed, if it cannot be reached or has a different cookie.",
		false,
		connect,
	},
	{"node.ping", "name", "The round-trip time of a call to a node. An error if it does not answer.", false, ping},
}

var rpcEntries = []entry{
	{
		"rpc.call",
		"node, fn, *args, timeout=30",
		"Calls a registered function on a node, as rpc.call(\"convoy@…\", \"railway.me\"). The node's first label is " +
			"enough as its name. timeout is in seconds.",
		false,
		call,
	},
	{
		"rpc.multicall",
		"fn, *args, nodes=None, timeout=30",
		"Calls a function on many nodes at once, by default on all. Returns a record for each: node, value and error.",
		false,
		multicall,
	},
	{
		"rpc.eval",
		"node, source, timeout=30",
		"Evaluates source text in a separate, limited Convoy shell on a node, and returns its output and its last value.",
		false,
		evalOn,
	},
	{
		"rpc.functions",
		"node=None",
		"The names of the functions that can be called on a node.",
		false,
		forward("rpc.functions", "node?"),
	},
}

var processEntries = []entry{
	{
		"send",
		"process, node, message",
		"Sends a message to a process on a node: send(\"worker\", node, \"ping\"). The result of self() on another shell " +
			"replaces process and node: send(p, message).",
		false,
		send,
	},
	{"self", "", "This shell as a process: its name and its node, for others to send to.", true, forward("self")},
	{
		"receive",
		"timeout=None",
		"Waits for the next message to this shell, at most timeout seconds: a record of its sender's node and the message. " +
			"None after the time-out.",
		false,
		receive,
	},
	{"flush", "", "Prints the messages that have arrived and were not received.", true, flush},
}

var fleetEntries = []entry{
	{
		"spawn",
		"",
		"Creates a node, as the button does, and returns its name immediately. fleet.wait(name, \"alive\") waits until it " +
			"can be called.",
		false,
		forward("spawn"),
	},
	{"retire", "name", "Removes a spawned node.", false, forward("retire", "name")},
	{"fleet.nodes", "", "All nodes with their status, as the console shows them.", true, forward("fleet.nodes")},
	{
		"fleet.wait",
		"name, status=\"alive\", timeout=60",
		"Waits until a node has a status, or is gone (\"gone\"), and returns it. An error if it fails, or after the " +
			"time-out.",
		false,
		waitFor,
	},
}

var logEntries = []entry{
	{
		"logs.tail",
		"node=None, n=20, grep=\"\"",
		"The last lines of a node's log, by default this node's; with grep, those that contain that text.",
		true,
		forward("logs.tail", "node?", "n?", "grep?"),
	},
	{
		"logs.find",
		"text, n=50",
		"The last n lines of all nodes' logs that contain text, in time order.",
		false,
		forward("logs.find", "text", "n?"),
	},
}

var shellEntries = []entry{
	{"shells.list", "node=None", "The shells of a node, by default of all nodes.", true, forward("shells.list", "node?")},
	{
		"shells.run",
		"node, command, timeout=30",
		"Runs a command line in a separate system shell on a node, for admins: its output, exit status and time.",
		false,
		runCommand,
	},
}

// builtin implements a function of the library.
type builtin func(*Session, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// forward returns a built-in that calls fn on the node with these parameters; "?" marks optional ones.
func forward(fn string, params ...string) builtin {
	return func(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		values := make([]starlark.Value, len(params))
		pairs := make([]any, 0, 2*len(params))
		for i, name := range params {
			pairs = append(pairs, name, &values[i])
		}
		if err := starlark.UnpackArgs(b.Name(), args, kwargs, pairs...); err != nil {
			return nil, err
		}
		return s.askAll(fn, values...)
	}
}

// ask calls a function of the node and converts its result.
func (s *Session) ask(fn string, args ...any) (starlark.Value, error) {
	raw, err := s.cfg.Node.Call(s.ctx, fn, args...)
	if err != nil {
		return nil, err
	}
	return fromJSON(raw)
}

func connect(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
		return nil, err
	}
	raw, err := s.ask("node.connect", name)
	if err != nil {
		return nil, err
	}
	answer, ok := raw.(*starlarkstruct.Struct)
	if !ok {
		return raw, nil
	}
	if reason, err := answer.Attr("reason"); err == nil {
		if text, ok := starlark.AsString(reason); ok && text != "" {
			fmt.Fprintln(s.cfg.Out, s.paint(dim, text))
		}
	}
	return answer.Attr("connected")
}

func ping(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
		return nil, err
	}
	began := gotime.Now()
	if _, err := s.ask("node.ping", name); err != nil {
		return nil, err
	}
	return time.Duration(gotime.Since(began).Round(10 * gotime.Microsecond)), nil
}

func call(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("%s: needs a node and the name of a function", b.Name())
	}
	timeout := starlark.Value(starlark.MakeInt(30))
	if err := starlark.UnpackArgs(b.Name(), nil, kwargs, "timeout?", &timeout); err != nil {
		return nil, err
	}
	return s.askAll("rpc.call", args[0], args[1], timeout, args[2:])
}

func multicall(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) < 1 {
		return nil, fmt.Errorf("%s: needs the name of a function", b.Name())
	}
	var nodes starlark.Value = starlark.None
	timeout := starlark.Value(starlark.MakeInt(30))
	if err := starlark.UnpackArgs(b.Name(), nil, kwargs, "nodes?", &nodes, "timeout?", &timeout); err != nil {
		return nil, err
	}
	return s.askAll("rpc.multicall", args[0], nodes, timeout, args[1:])
}

// askAll calls fn with values; nil, an omitted one, is null.
func (s *Session) askAll(fn string, values ...starlark.Value) (starlark.Value, error) {
	args := make([]any, len(values))
	for i, v := range values {
		if v == nil {
			continue
		}
		var err error
		if args[i], err = toGo(v); err != nil {
			return nil, fmt.Errorf("%s: %w", fn, err)
		}
	}
	return s.ask(fn, args...)
}

func evalOn(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return s.askTimed(b, args, kwargs, "rpc.eval", "node", "source")
}

func runCommand(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return s.askTimed(b, args, kwargs, "shells.run", "node", "command")
}

// seconds is an argument that is any number. The library takes only a float for a float64.
type seconds float64

// Unpack implements starlark.Unpacker.
func (s *seconds) Unpack(v starlark.Value) error {
	number, ok := starlark.AsFloat(v)
	if !ok {
		return fmt.Errorf("got %s, want a number", v.Type())
	}
	*s = seconds(number)
	return nil
}

// askTimed calls fn with two strings and a timeout.
func (s *Session) askTimed(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, fn, one, two string,
) (starlark.Value, error) {
	var first, second string
	timeout := seconds(30)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, one, &first, two, &second, "timeout?", &timeout); err != nil {
		return nil, err
	}
	return s.ask(fn, first, second, timeout)
}

func send(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if to, ok := first(args).(*starlarkstruct.Struct); ok && len(args) == 2 {
		process, err := to.Attr("process")
		if err != nil {
			return nil, fmt.Errorf("send: %s is not a process; self() returns one", to)
		}
		node, err := to.Attr("node")
		if err != nil {
			return nil, fmt.Errorf("send: %s has no node", to)
		}
		args = starlark.Tuple{process, node, args[1]}
	}
	var process, node string
	var message starlark.Value
	err := starlark.UnpackArgs(b.Name(), args, kwargs, "process", &process, "node", &node, "message", &message)
	if err != nil {
		return nil, err
	}
	what, err := toGo(message)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	if _, err := s.ask("send", process, node, what); err != nil {
		return nil, err
	}
	return message, nil
}

func first(args starlark.Tuple) starlark.Value {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

func receive(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var timeout starlark.Value = starlark.None
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "timeout?", &timeout); err != nil {
		return nil, err
	}
	wait, err := toGo(timeout)
	if err != nil {
		return nil, err
	}
	return s.ask("receive", wait)
}

func flush(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	for {
		message, err := s.ask("receive", 0)
		if err != nil || message == starlark.None {
			return starlark.None, err
		}
		if err := s.print(message); err != nil {
			return nil, err
		}
	}
}

func waitFor(s *Session, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	status, timeout := "alive", seconds(60)
	err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name, "status?", &status, "timeout?", &timeout)
	if err != nil {
		return nil, err
	}
	return s.ask("fleet.wait", name, status, timeout)
}
