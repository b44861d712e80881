package rpc

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
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
	callTimeout = 30 * time.Second
)

// session is what one Convoy shell may ask of its node. It is a process of the cluster, too, which others can send to.
type session struct {
	service  *Service
	identity func() access.Identity // in whose name the shell acts: with Role, the most that it may do
	name     string                 // of the process
	mailbox  *peer.Mailbox
	once     sync.Once
}

// newSession registers the process of a user's shell. close takes it off.
func (s *Service) newSession(user string, who func() access.Identity) *session {
	name := "shell-" + strings.ToLower(rand.Text()[:8])
	mailbox := s.cfg.Cluster.ProcessOf(user, name, mailboxSize)
	return &session{service: s, identity: who, name: name, mailbox: mailbox}
}

func (s *session) close() { s.once.Do(s.mailbox.Close) }

// Call does what repl.Node says: an evaluation on this node has its node in the same process.
func (s *session) Call(ctx context.Context, fn string, args ...any) (json.RawMessage, error) {
	raw := make([]json.RawMessage, len(args))
	for i, arg := range args {
		var err error
		if raw[i], err = json.Marshal(arg); err != nil {
			return nil, err
		}
	}
	value, err := s.serve(ctx, fn, raw)
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// serve carries out what a shell asks; it is the handler of its connection. An error's text is what the reader sees.
func (s *session) serve(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
	do, ok := sessionFunctions[fn]
	if !ok {
		return nil, fmt.Errorf("this node does not know %s; it may be older than the shell", fn)
	}
	a, noted := sessionActions[fn]
	a = cmp.Or(a, access.Evaluate)
	who := s.identity()
	role := min(who.Role, s.service.cfg.Authority.Role(ctx, who))
	if !role.Allows(a) {
		err := denied(role, a)
		s.audit(fn, args, audit.Refused, err)
		return nil, err
	}
	asker := who
	asker.Role = role
	end, err := s.service.calls.acquire(ctx, asker, fn, args)
	if err != nil {
		return nil, err
	}
	defer end()
	least, _ := access.RequiredRole(a)
	ctx, release := s.service.cfg.Authority.WithRole(ctx, who, least)
	defer release()
	value, err := do(s, ctx, args)
	if now := min(who.Role, s.service.cfg.Authority.Role(context.WithoutCancel(ctx), who)); ctx.Err() != nil &&
		!now.Allows(a) {
		value, err = nil, denied(now, a) // while it waited
	}
	if err != nil {
		err = errors.New(s.describe(err))
	}
	switch {
	case noted && err != nil:
		s.audit(fn, args, audit.Failed, err)
	case noted:
		s.audit(fn, args, audit.OK, nil)
	}
	return value, err
}

// note has the audit log say what was asked: what it takes a right for.
func (s *session) audit(fn string, args []json.RawMessage, result string, err error) {
	if s.service.cfg.Audit == nil {
		return
	}
	var said []string
	for _, arg := range args {
		said = append(said, string(arg))
	}
	if err != nil {
		said = append(said, err.Error())
	}
	who := s.identity()
	e := audit.Entry{
		Node:   s.service.cfg.Self,
		User:   who.User,
		Role:   who.Role.String(),
		Action: "convoy." + fn,
		Target: s.name,
		Result: result,
		Detail: strings.Join(said, " "),
	}
	if _, err := s.service.cfg.Audit.Append(e); err != nil {
		s.service.logger("shell").Error("not in the audit log", "action", e.Action, "user", e.User, "err", err)
	}
}

// sessionActions are what it takes to ask some of the functions; the others may be asked by whoever has a Convoy shell.
var sessionActions = map[string]access.Action{
	"spawn":        access.Spawn,
	"retire":       access.Retire,
	"node.connect": access.Connect,
	"rpc.eval":     access.Evaluate,
	"shells.run":   access.Run,
}

// ownBuiltin are the functions of nodes that do something by somebody's right: they are asked by the built-in that
// checks it, and by nothing else.
var builtinFor = map[string]string{
	"fleet.spawn":  "spawn()",
	"fleet.retire": "retire(name)",
	"shells.run":   "shells.run(node, command)",
	"shell.eval":   "rpc.eval(node, source)",
	"node.connect": "node.connect(name)",
	"access.roles": "the console: /logins lists who is logged in",
}

// refused is what a shell is told that may not do something, or nothing any more.
func denied(role access.Role, a access.Action) error {
	if role == access.Nobody {
		return errors.New("the login that this shell acts for has ended; log in again and type here, or open another shell")
	}
	least, _ := access.RequiredRole(a)
	return fmt.Errorf("with the role %s you may not %s; it takes the role %s", role, a, least)
}

// words says what is wrong in words of the prompt.
func (s *session) describe(err error) string {
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
