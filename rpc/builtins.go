package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"convoy/fleet"
	"convoy/peer"
)

// sessionFunctions are the functions that a Convoy shell can call on its node.
var sessionFunctions map[string]builtin

type builtin func(s *session, ctx context.Context, args []json.RawMessage) (any, error)

func init() {
	sessionFunctions = map[string]builtin{
		"node.self": func(s *session, _ context.Context, args []json.RawMessage) (any, error) {
			return s.service.cfg.Self, decode(args)
		},
		"node.list":     (*session).nodeList,
		"node.info":     onNode("node.info"),
		"node.ping":     onNode("node.ping"),
		"node.stats":    (*session).nodeStats,
		"node.connect":  (*session).connect,
		"fleet.names":   (*session).fleetNames,
		"fleet.nodes":   (*session).fleetNodes,
		"fleet.wait":    (*session).fleetWait,
		"spawn":         (*session).spawn,
		"retire":        (*session).retire,
		"rpc.call":      (*session).rpcCall,
		"rpc.multicall": (*session).rpcMulticall,
		"rpc.eval":      (*session).rpcEval,
		"rpc.functions": onNode("rpc.functions"),
		"send":          (*session).send,
		"self":          (*session).self,
		"receive":       (*session).receive,
		"logs.tail":     (*session).logsTail,
		"logs.find":     (*session).logsFind,
		"shells.list":   (*session).shellsList,
		"shells.run":    (*session).shellsRun,
	}
}

// call calls a function on the node that a user calls name.
func (s *session) call(ctx context.Context, limit time.Duration, name, fn string, args ...any) (
	json.RawMessage, error) {
	node, err := s.service.fullName(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.service.cfg.Cluster.Call(ctx, node, fn, args...)
}

func (s *session) nodeList(ctx context.Context, args []json.RawMessage) (any, error) {
	if err := decode(args); err != nil {
		return nil, err
	}
	return s.service.cfg.Cluster.Call(ctx, s.service.cfg.Self, "node.list")
}

// onNode is the built-in that calls a function of nodes on the node that is its only argument.
func onNode(fn string) builtin {
	return func(s *session, ctx context.Context, args []json.RawMessage) (any, error) {
		var name string
		if err := decode(args, &name); err != nil {
			return nil, err
		}
		return s.call(ctx, callTimeout, name, fn)
	}
}

func (s *session) nodeStats(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	minutes := 15.0
	if err := decode(args, &name, &minutes); err != nil {
		return nil, err
	}
	return s.call(ctx, callTimeout, name, "node.stats", minutes)
}

func (s *session) connect(ctx context.Context, args []json.RawMessage) (any, error) {
	var target string
	if err := decode(args, &target); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := s.service.cfg.Cluster.Connect(ctx, target); err != nil {
		return map[string]any{"connected": false, "reason": err.Error()}, nil
	}
	return map[string]any{"connected": true, "reason": ""}, nil
}

func (s *session) rpcCall(ctx context.Context, args []json.RawMessage) (any, error) {
	var name, fn string
	var rest []any
	seconds := callTimeout.Seconds()
	if err := decode(args, &name, &fn, &seconds, &rest); err != nil {
		return nil, err
	}
	if err := checkDirect(fn); err != nil {
		return nil, err
	}
	return s.call(ctx, toDuration(seconds), name, fn, rest...)
}

// checkDirect refuses functions that have a built-in, which checks the right to call them.
func checkDirect(fn string) error {
	if instead, ok := builtinFor[fn]; ok {
		return fmt.Errorf("rpc cannot call %s; use %s", fn, instead)
	}
	return nil
}

// callResult is the result of one node in a multicall.
type callResult struct {
	Node  string          `json:"node"`
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
}

func (s *session) rpcMulticall(ctx context.Context, args []json.RawMessage) (any, error) {
	var fn string
	var names []string
	var rest []any
	seconds := callTimeout.Seconds()
	if err := decode(args, &fn, &names, &seconds, &rest); err != nil {
		return nil, err
	}
	if err := checkDirect(fn); err != nil {
		return nil, err
	}
	if len(names) > maxNames {
		return nil, fmt.Errorf("%d nodes; call at most %d at once", len(names), maxNames)
	}
	for i, name := range names {
		var err error
		if names[i], err = s.service.fullName(name); err != nil {
			return nil, err
		}
	}
	return s.multicall(ctx, toDuration(seconds), names, fn, rest...), nil
}

// multicall calls a function on the named nodes, or on all alive nodes if names is empty.
func (s *session) multicall(ctx context.Context, limit time.Duration, names []string, fn string,
	args ...any) []callResult {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	list := []callResult{}
	for _, r := range s.service.cfg.Cluster.Multicall(ctx, names, fn, args...) {
		one := callResult{Node: r.Node, Value: r.Value}
		if r.Err != nil {
			one.Error = s.describe(r.Err)
		}
		list = append(list, one)
	}
	return list
}

func (s *session) rpcEval(ctx context.Context, args []json.RawMessage) (any, error) {
	var name, source string
	seconds := callTimeout.Seconds()
	if err := decode(args, &name, &source, &seconds); err != nil {
		return nil, err
	}
	return s.call(ctx, toDuration(seconds), name, "shell.eval", source, s.identity())
}

func (s *session) send(ctx context.Context, args []json.RawMessage) (any, error) {
	var process, name string
	var message json.RawMessage
	if err := decode(args, &process, &name, &message); err != nil {
		return nil, err
	}
	node, err := s.service.fullName(name)
	if err != nil {
		return nil, err
	}
	if message == nil {
		message = json.RawMessage("null")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return nil, s.service.cfg.Cluster.Send(ctx, process, node, message)
}

func (s *session) self(_ context.Context, args []json.RawMessage) (any, error) {
	return map[string]string{"process": s.name, "node": s.service.cfg.Self}, decode(args)
}

// receivedMessage is a message in the form of Convoy shells.
type receivedMessage struct {
	From    string          `json:"sender"`
	Message json.RawMessage `json:"message"`
}

// receive waits for the next message: forever, or for some seconds, after which the result is nil.
func (s *session) receive(ctx context.Context, args []json.RawMessage) (any, error) {
	var seconds *float64
	if err := decode(args, &seconds); err != nil {
		return nil, err
	}
	if m, ok := s.mailbox.Take(); ok { // even with a timeout of 0
		return receivedMessage{m.From.Name, m.Body}, nil
	}
	caller := ctx
	if seconds != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, toDuration(*seconds))
		defer cancel()
	}
	m, err := s.mailbox.Receive(ctx)
	switch {
	case err == nil:
		return receivedMessage{m.From.Name, m.Body}, nil
	case errors.Is(err, peer.ErrClosed):
		return nil, errors.New("the node is stopping")
	case caller.Err() == nil:
		return nil, nil
	}
	return nil, err
}

func (s *session) spawn(ctx context.Context, args []json.RawMessage) (any, error) {
	if err := decode(args); err != nil {
		return nil, err
	}
	return s.onControl(ctx, "fleet.spawn")
}

func (s *session) retire(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	if err := decode(args, &name); err != nil {
		return nil, err
	}
	return s.onControl(ctx, "fleet.retire", name)
}

func (s *session) onControl(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	name, err := s.service.controlPlane()
	if err != nil {
		return nil, err
	}
	return s.call(ctx, callTimeout, name, fn, args...)
}

// fleetNodes returns the control plane's list, which includes nodes that have not joined, or else this node's own.
func (s *session) fleetNodes(ctx context.Context, args []json.RawMessage) (any, error) {
	if err := decode(args); err != nil {
		return nil, err
	}
	if raw, err := s.onControl(ctx, "fleet.nodes"); err == nil {
		return s.markSelf(raw)
	}
	return s.service.nodeViews(), nil
}

// markSelf marks this node in the list of another node.
func (s *session) markSelf(raw json.RawMessage) (any, error) {
	var list []nodeView
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Self = list[i].Name == s.service.cfg.Self
	}
	return list, nil
}

func (s *session) fleetNames(_ context.Context, args []json.RawMessage) (any, error) {
	var unused any
	names := []string{}
	for _, one := range s.service.cfg.Fleet.List() {
		names = append(names, one.Name)
	}
	return names, decode(args, &unused)
}

// fleetWait waits until a node, as this one sees it, has a status.
func (s *session) fleetWait(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	status, seconds := string(fleet.Alive), 60.0
	if err := decode(args, &name, &status, &seconds); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, toDuration(seconds))
	defer cancel()
	for {
		changed := s.service.cfg.Fleet.Changed()
		if full, err := s.service.fullName(name); err == nil {
			name = full
		}
		current, ok := hasStatus(s.service.cfg.Fleet.List(), name, status)
		switch {
		case ok:
			return name, nil
		case current == string(fleet.Failed):
			return nil, fmt.Errorf("%s has failed; fleet.nodes() shows the reason", name)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s is %s, not %s, after %v", name, current, status, toDuration(seconds))
		}
	}
}

func (s *session) logsTail(ctx context.Context, args []json.RawMessage) (any, error) {
	var name, text string
	count := 20
	if err := decode(args, &name, &count, &text); err != nil {
		return nil, err
	}
	return s.call(ctx, callTimeout, name, "logs.tail", count, text)
}

func (s *session) logsFind(ctx context.Context, args []json.RawMessage) (any, error) {
	var text string
	count := 50
	if err := decode(args, &text, &count); err != nil {
		return nil, err
	}
	all := []lineView{}
	for _, r := range s.multicall(ctx, callTimeout, nil, "logs.tail", count, text) {
		var lines []lineView
		if r.Error == "" && json.Unmarshal(r.Value, &lines) == nil {
			all = append(all, lines...)
		}
	}
	slices.SortFunc(all, byTime)
	return all[max(0, len(all)-max(count, 0)):], nil
}

func (s *session) shellsList(ctx context.Context, args []json.RawMessage) (any, error) {
	var name string
	if err := decode(args, &name); err != nil {
		return nil, err
	}
	if name != "" {
		return s.call(ctx, callTimeout, name, "shells.list")
	}
	all := []shellView{}
	for _, r := range s.multicall(ctx, callTimeout, nil, "shells.list") {
		var shells []shellView
		if r.Error == "" && json.Unmarshal(r.Value, &shells) == nil {
			all = append(all, shells...)
		}
	}
	return all, nil
}

func (s *session) shellsRun(ctx context.Context, args []json.RawMessage) (any, error) {
	var name, command string
	seconds := callTimeout.Seconds()
	if err := decode(args, &name, &command, &seconds); err != nil {
		return nil, err
	}
	return s.call(ctx, toDuration(seconds), name, "shells.run", command, s.identity())
}

// toDuration converts a user's number of seconds, clamped to a day.
func toDuration(s float64) time.Duration {
	return time.Duration(min(max(s, 0), 24*3600) * float64(time.Second))
}
