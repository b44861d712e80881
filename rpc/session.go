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
	// mailboxSize is how many messages wait for a Convoy shell to receive them.
	mailboxSize = 1000
	// maxNames bounds the nodes of a multicall.
	maxNames = 256
	// callTimeout bounds calls without a timeout of their own.
	callTimeout = 30 * time.Second
)

// session serves the calls of one Convoy shell. It is also a process of the cluster, to which others can send.
type session struct {
	service  *Service
	identity func() access.Identity // the user; its Role is the limit of the shell
	name     string                 // of the process
	mailbox  *peer.Mailbox
	once     sync.Once
}

// newProcessName returns a name for the process of a shell.
func newProcessName() string { return "shell-" + strings.ToLower(rand.Text()[:8]) }

// newSession registers a process for a user's shell. close removes it.
func (s *Service) newSession(user, name string, who func() access.Identity) *session {
	mailbox := s.cfg.Cluster.ProcessOf(user, name, mailboxSize)
	return &session{service: s, identity: who, name: name, mailbox: mailbox}
}

func (s *session) close() { s.once.Do(s.mailbox.Close) }

// Call implements repl.Node, for an evaluation in this process.
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

// serve handles one call. The text of an error is for the shell's user.
func (s *session) serve(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
	do, ok := sessionFunctions[fn]
	if !ok {
		return nil, fmt.Errorf("this node does not know %s; it may be older than the shell", fn)
	}
	a, audited := sessionActions[fn]
	a = cmp.Or(a, access.Evaluate)
	who := s.identity()
	role := min(who.Role, s.service.cfg.Authority.Role(ctx, who))
	if !role.Allows(a) {
		err := denied(role, a)
		s.audit(fn, args, audit.Refused, err)
		return nil, err
	}
	caller := who
	caller.Role = role
	end, err := s.service.calls.acquire(ctx, caller, fn, args)
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
		value, err = nil, denied(now, a) // the rights were lost during the call
	}
	if err != nil {
		err = errors.New(s.describe(err))
	}
	switch {
	case audited && err != nil:
		s.audit(fn, args, audit.Failed, err)
	case audited:
		s.audit(fn, args, audit.OK, nil)
	}
	return value, err
}

// audit records a call in the audit log.
func (s *session) audit(fn string, args []json.RawMessage, result string, err error) {
	if s.service.cfg.Audit == nil {
		return
	}
	var detail []string
	for _, arg := range args {
		detail = append(detail, string(arg))
	}
	if err != nil {
		detail = append(detail, err.Error())
	}
	who := s.identity()
	e := audit.Entry{
		Node:   s.service.cfg.Self,
		User:   who.User,
		Role:   who.Role.String(),
		Action: "convoy." + fn,
		Target: s.name,
		Result: result,
		Detail: strings.Join(detail, " "),
	}
	if _, err := s.service.cfg.Audit.Append(e); err != nil {
		s.service.logger("shell").Error("cannot write to the audit log", "action", e.Action, "user", e.User, "err", err)
	}
}

// sessionActions are the functions that need a right; the others need only a Convoy shell.
var sessionActions = map[string]access.Action{
	"spawn":        access.Spawn,
	"retire":       access.Retire,
	"node.connect": access.Connect,
	"rpc.eval":     access.Evaluate,
	"shells.run":   access.Run,
}

// builtinFor names the built-in that checks the right to a function of nodes. Shells cannot call these functions
// directly.
var builtinFor = map[string]string{
	"fleet.spawn":  "spawn()",
	"fleet.retire": "retire(name)",
	"shells.run":   "shells.run(node, command)",
	"shell.eval":   "rpc.eval(node, source)",
	"node.connect": "node.connect(name)",
	"access.roles": "the console: /logins lists who is logged in",
}

// denied is the error for a user without the right to a call.
func denied(role access.Role, a access.Action) error {
	if role == access.Nobody {
		return errors.New("the login that this shell acts for has ended; log in again and type here, or open another shell")
	}
	least, _ := access.RequiredRole(a)
	return fmt.Errorf("with the role %s you cannot %s; you need the role %s", role, a, least)
}

// describe returns the text of an error for the shell's user.
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
