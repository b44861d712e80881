package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"convoy/access"
	"convoy/audit"
	"convoy/fleet"
	"convoy/peer"
)

const (
	// mailboxSize is how many messages wait for a Convoy shell that does not receive.
	mailboxSize = 1000
	// maxNames is how many nodes a multicall names.
	maxNames = 256
	// callTime bounds calls that name no time of their own.
	callTime = 30 * time.Second
)

// beside is what one Convoy shell may ask of the node that it runs beside. It is a process of the cluster, too, which
// others can send to.
type beside struct {
	node    *node
	who     func() access.Who // in whose name the shell acts: with Role, the most that it may do
	name    string            // of the process
	mailbox *peer.Mailbox
	once    sync.Once
}

// newBeside registers the process of a user's shell. close takes it off.
func (n *node) newBeside(user string, who func() access.Who) *beside {
	name := "shell-" + strings.ToLower(rand.Text()[:8])
	return &beside{node: n, who: who, name: name, mailbox: n.cluster.ProcessOf(user, name, mailboxSize)}
}

func (b *beside) close() { b.once.Do(b.mailbox.Close) }

// Call does what repl.Node says: an evaluation on this node has its node in the same process.
func (b *beside) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	raw := make([]json.RawMessage, len(args))
	for i, arg := range args {
		var err error
		if raw[i], err = json.Marshal(arg); err != nil {
			return nil, err
		}
	}
	value, err := b.serve(ctx, fn, raw)
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// serve carries out what a shell asks; it is the handler of its connection. An error's text is what the reader sees.
func (b *beside) serve(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
	do, ok := besideFunctions[fn]
	if !ok {
		return nil, fmt.Errorf("this node does not know %s; it may be older than the shell", fn)
	}
	a, noted := besideActions[fn]
	a = cmp.Or(a, access.Evaluate)
	who := b.who()
	role := min(who.Role, b.node.authority.Role(ctx, who))
	if !role.May(a) {
		err := refused(role, a)
		b.note(fn, args, audit.Refused, err)
		return nil, err
	}
	asker := who
	asker.Role = role
	end, err := b.node.calls.begin(ctx, asker, fn, args)
	if err != nil {
		return nil, err
	}
	defer end()
	least, _ := access.Needs(a)
	ctx, release := b.node.authority.While(ctx, who, least)
	defer release()
	value, err := do(b, ctx, args)
	if now := min(who.Role, b.node.authority.Role(context.WithoutCancel(ctx), who)); ctx.Err() != nil && !now.May(a) {
		value, err = nil, refused(now, a) // while it waited
	}
	if err != nil {
		err = errors.New(b.words(err))
	}
	switch {
	case noted && err != nil:
		b.note(fn, args, audit.Failed, err)
	case noted:
		b.note(fn, args, audit.OK, nil)
	}
	return value, err
}

// note has the audit log say what was asked: what it takes a right for.
func (b *beside) note(fn string, args []json.RawMessage, result string, err error) {
	if b.node.audit == nil {
		return
	}
	var said []string
	for _, arg := range args {
		said = append(said, string(arg))
	}
	if err != nil {
		said = append(said, err.Error())
	}
	who := b.who()
	e := audit.Entry{Node: b.node.cfg.name, User: who.User, Role: who.Role.String(), Action: "convoy." + fn, Target: b.name, Result: result, Detail: strings.Join(said, " ")}
	if _, err := b.node.audit.Append(e); err != nil {
		b.node.log.Error("not in the audit log", "component", "shell", "action", e.Action, "user", e.User, "err", err)
	}
}

// besideActions are what it takes to ask some of the functions; the others may be asked by whoever has a Convoy shell.
var besideActions = map[string]access.Action{
	"spawn": access.Spawn, "retire": access.Retire, "node.connect": access.Connect, "rpc.eval": access.Evaluate, "shells.run": access.Run,
}

// ownBuiltin are the functions of nodes that do something by somebody's right: they are asked by the built-in that checks
// it, and by nothing else.
var ownBuiltin = map[string]string{
	"fleet.spawn": "spawn()", "fleet.retire": "retire(name)", "shells.run": "shells.run(node, command)", "shell.eval": "rpc.eval(node, source)",
	"node.connect": "node.connect(name)", "access.roles": "the console: /logins lists who is logged in",
}

// refused is what a shell is told that may not do something, or nothing any more.
func refused(role access.Role, a access.Action) error {
	if role == access.Nobody {
		return errors.New("the login that this shell acts for has ended; log in again and type here, or open another shell")
	}
	least, _ := access.Needs(a)
	return fmt.Errorf("with the role %s you may not %s; it takes the role %s", role, a, least)
}

// words says what is wrong in words of the prompt.
func (b *beside) words(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, peer.ErrUnknownNode):
		return err.Error() + "; node.list() lists the nodes"
	case errors.Is(err, peer.ErrUnknownFunction):
		return err.Error() + "; rpc.functions(node) lists them"
	case errors.Is(err, peer.ErrNoProcess):
		return err.Error() + "; every node has the process \"worker\""
	case errors.Is(err, fleet.ErrFull):
		return err.Error() + "; retire(name) makes room"
	}
	return err.Error()
}

// besideFunctions is everything that a Convoy shell may ask its node.
var besideFunctions map[string]func(b *beside, ctx context.Context, args []json.RawMessage) (any, error)

func init() {
	besideFunctions = map[string]func(b *beside, ctx context.Context, args []json.RawMessage) (any, error){
		"node.self": func(b *beside, _ context.Context, args []json.RawMessage) (any, error) {
			return b.node.cfg.name, decode(args)
		},
		"node.list":     (*beside).nodeList,
		"node.info":     (*beside).nodeInfo,
		"node.ping":     (*beside).ping,
		"node.connect":  (*beside).connect,
		"fleet.names":   (*beside).fleetNames,
		"fleet.nodes":   (*beside).fleetNodes,
		"fleet.wait":    (*beside).fleetWait,
		"spawn":         (*beside).spawn,
		"retire":        (*beside).retire,
		"rpc.call":      (*beside).rpcCall,
		"rpc.multicall": (*beside).rpcMulticall,
		"rpc.eval":      (*beside).rpcEval,
		"rpc.functions": (*beside).rpcFunctions,
		"send":          (*beside).send,
		"self":          (*beside).self,
		"receive":       (*beside).receive,
		"logs.tail":     (*beside).logsTail,
		"logs.find":     (*beside).logsFind,
		"shells.list":   (*beside).shellsList,
		"shells.run":    (*beside).shellsRun,
	}
}

// call has a function called on the node that a reader calls name.
func (b *beside) call(ctx context.Context, limit time.Duration, name, fn string, args ...any) (json.RawMessage, error) {
	node, err := b.node.fullName(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return b.node.cluster.Call(ctx, node, fn, args...)
}

func (b *beside) nodeList(ctx context.Context, args []json.RawMessage) (any, error) {
	if err := decode(args); err != nil {
		return nil, err
	}
	return b.node.cluster.Call(ctx, b.node.cfg.name, "node.list")
}

func (b *beside) nodeInfo(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	if err := decode(args, &name); err != nil {
		return nil, err
	}
	return b.call(ctx, callTime, name, "node.info")
}

func (b *beside) ping(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	if err := decode(args, &name); err != nil {
		return nil, err
	}
	return b.call(ctx, callTime, name, "node.ping")
}

func (b *beside) connect(ctx context.Context, args []json.RawMessage) (any, error) {
	var target string
	if err := decode(args, &target); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := b.node.cluster.Connect(ctx, target); err != nil {
		return map[string]any{"connected": false, "reason": err.Error()}, nil
	}
	return map[string]any{"connected": true, "reason": ""}, nil
}

func (b *beside) rpcCall(ctx context.Context, args []json.RawMessage) (any, error) {
	var name, fn string
	var rest []any
	seconds := callTime.Seconds()
	if err := decode(args, &name, &fn, &seconds, &rest); err != nil {
		return nil, err
	}
	if instead, ok := ownBuiltin[fn]; ok {
		return nil, fmt.Errorf("%s is not called by rpc; use %s", fn, instead)
	}
	return b.call(ctx, inSeconds(seconds), name, fn, rest...)
}

// callResult is one node's part of a multicall.
type callResult struct {
	Node  string          `json:"node"`
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
}

func (b *beside) rpcMulticall(ctx context.Context, args []json.RawMessage) (any, error) {
	var fn string
	var names []string
	var rest []any
	seconds := callTime.Seconds()
	if err := decode(args, &fn, &names, &seconds, &rest); err != nil {
		return nil, err
	}
	if instead, ok := ownBuiltin[fn]; ok {
		return nil, fmt.Errorf("%s is not called by rpc; use %s", fn, instead)
	}
	if len(names) > maxNames {
		return nil, fmt.Errorf("%d nodes; call at most %d at once", len(names), maxNames)
	}
	for i, name := range names {
		var err error
		if names[i], err = b.node.fullName(name); err != nil {
			return nil, err
		}
	}
	return b.multicall(ctx, inSeconds(seconds), names, fn, rest...), nil
}

// multicall calls a function on those nodes, on all that live if there are none.
func (b *beside) multicall(ctx context.Context, limit time.Duration, names []string, fn string, args ...any) []callResult {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	list := []callResult{}
	for _, r := range b.node.cluster.Multicall(ctx, names, fn, args...) {
		one := callResult{Node: r.Node, Value: r.Value}
		if r.Err != nil {
			one.Error = b.words(r.Err)
		}
		list = append(list, one)
	}
	return list
}

func (b *beside) rpcEval(ctx context.Context, args []json.RawMessage) (any, error) {
	var name, source string
	seconds := callTime.Seconds()
	if err := decode(args, &name, &source, &seconds); err != nil {
		return nil, err
	}
	return b.call(ctx, inSeconds(seconds), name, "shell.eval", source, b.who())
}

func (b *beside) rpcFunctions(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	if err := decode(args, &name); err != nil {
		return nil, err
	}
	return b.call(ctx, callTime, name, "rpc.functions")
}

func (b *beside) send(ctx context.Context, args []json.RawMessage) (any, error) {
	var process, name string
	var message json.RawMessage
	if err := decode(args, &process, &name, &message); err != nil {
		return nil, err
	}
	node, err := b.node.fullName(name)
	if err != nil {
		return nil, err
	}
	if message == nil {
		message = json.RawMessage("null")
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return nil, b.node.cluster.Send(ctx, process, node, message)
}

func (b *beside) self(_ context.Context, args []json.RawMessage) (any, error) {
	return map[string]string{"process": b.name, "node": b.node.cfg.name}, decode(args)
}

// received is a message as a Convoy shell gets it.
type received struct {
	From    string          `json:"sender"`
	Message json.RawMessage `json:"message"`
}

// receive waits for the next message: for ever, or so many seconds, after which there is none.
func (b *beside) receive(ctx context.Context, args []json.RawMessage) (any, error) {
	var seconds *float64
	if err := decode(args, &seconds); err != nil {
		return nil, err
	}
	if m, ok := b.mailbox.Take(); ok { // also when nobody waits
		return received{m.From.Name, m.Body}, nil
	}
	asked := ctx
	if seconds != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, inSeconds(*seconds))
		defer cancel()
	}
	m, err := b.mailbox.Receive(ctx)
	switch {
	case err == nil:
		return received{m.From.Name, m.Body}, nil
	case errors.Is(err, peer.ErrClosed):
		return nil, errors.New("the node is stopping")
	case asked.Err() == nil:
		return nil, nil
	}
	return nil, err
}

func (b *beside) spawn(ctx context.Context, args []json.RawMessage) (any, error) {
	if err := decode(args); err != nil {
		return nil, err
	}
	return b.onControl(ctx, "fleet.spawn")
}

func (b *beside) retire(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	if err := decode(args, &name); err != nil {
		return nil, err
	}
	return b.onControl(ctx, "fleet.retire", name)
}

func (b *beside) onControl(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	name, err := b.node.control()
	if err != nil {
		return nil, err
	}
	return b.call(ctx, callTime, name, fn, args...)
}

// fleetNodes is the control plane's list, which knows of nodes that have not joined, or this node's own.
func (b *beside) fleetNodes(ctx context.Context, args []json.RawMessage) (any, error) {
	if err := decode(args); err != nil {
		return nil, err
	}
	if raw, err := b.onControl(ctx, "fleet.nodes"); err == nil {
		return b.markSelf(raw)
	}
	return b.node.nodeViews(), nil
}

// markSelf marks this node in another's list.
func (b *beside) markSelf(raw json.RawMessage) (any, error) {
	var list []nodeView
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Self = list[i].Name == b.node.cfg.name
	}
	return list, nil
}

func (b *beside) fleetNames(_ context.Context, args []json.RawMessage) (any, error) {
	var unused any
	names := []string{}
	for _, one := range b.node.fleet.List() {
		names = append(names, one.Name)
	}
	return names, decode(args, &unused)
}

// fleetWait waits until a node, as this one sees it, has a status.
func (b *beside) fleetWait(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	status, seconds := string(fleet.Alive), 60.0
	if err := decode(args, &name, &status, &seconds); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, inSeconds(seconds))
	defer cancel()
	for {
		changed := b.node.fleet.Changed()
		if full, err := b.node.fullName(name); err == nil {
			name = full
		}
		now, ok := hasStatus(b.node.fleet.List(), name, status)
		switch {
		case ok:
			return name, nil
		case now == string(fleet.Failed):
			return nil, fmt.Errorf("%s has failed; fleet.nodes() says why", name)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s is %s, not %s, after %v", name, now, status, inSeconds(seconds))
		}
	}
}

func (b *beside) logsTail(ctx context.Context, args []json.RawMessage) (any, error) {
	var name, text string
	count := 20
	if err := decode(args, &name, &count, &text); err != nil {
		return nil, err
	}
	return b.call(ctx, callTime, name, "logs.tail", count, text)
}

func (b *beside) logsFind(ctx context.Context, args []json.RawMessage) (any, error) {
	var text string
	count := 50
	if err := decode(args, &text, &count); err != nil {
		return nil, err
	}
	all := []lineView{}
	for _, r := range b.multicall(ctx, callTime, nil, "logs.tail", count, text) {
		var lines []lineView
		if r.Error == "" && json.Unmarshal(r.Value, &lines) == nil {
			all = append(all, lines...)
		}
	}
	slices.SortFunc(all, byTime)
	return all[max(0, len(all)-max(count, 0)):], nil
}

func (b *beside) shellsList(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	if err := decode(args, &name); err != nil {
		return nil, err
	}
	if name != "" {
		return b.call(ctx, callTime, name, "shells.list")
	}
	all := []shellView{}
	for _, r := range b.multicall(ctx, callTime, nil, "shells.list") {
		var shells []shellView
		if r.Error == "" && json.Unmarshal(r.Value, &shells) == nil {
			all = append(all, shells...)
		}
	}
	return all, nil
}

func (b *beside) shellsRun(ctx context.Context, args []json.RawMessage) (any, error) {
	var name, command string
	seconds := callTime.Seconds()
	if err := decode(args, &name, &command, &seconds); err != nil {
		return nil, err
	}
	return b.call(ctx, inSeconds(seconds), name, "shells.run", command, b.who())
}

// inSeconds is a time that a reader gave, within reason.
func inSeconds(s float64) time.Duration {
	return time.Duration(min(max(s, 0), 24*3600) * float64(time.Second))
}
