package rpc

import (
	"context"
	"fmt"

	"convoy/access"
	"convoy/repl"
)

const (
	// evalSteps bounds one evaluation that a call starts.
	evalSteps = 50_000_000
	// maxEvals is how many evaluations run at once; each may use much memory.
	maxEvals = 4
)

// newEvalQuota limits the evaluations that run at once. Others wait; no user can take every turn.
func newEvalQuota() *access.Quota {
	return &access.Quota{Total: maxEvals, Reserve: 1, PerUser: 2, MaxWaiting: 16}
}

// Eval evaluates source in a new Convoy shell on this node, with the rights of who, when its turn comes. Errors in
// source are part of the result; the error is about the node.
func (s *Service) Eval(ctx context.Context, who access.Identity, source string) (repl.Result, error) {
	release, err := s.evals.Acquire(ctx, access.Claim{Identity: who})
	if err != nil {
		return repl.Result{}, fmt.Errorf("too many evaluations at once: %w", err)
	}
	defer release()
	caller := s.newSession(who.User, newProcessName(), func() access.Identity { return who })
	defer caller.close()
	return repl.Eval(ctx, repl.Options{Command: s.cfg.Sandbox, Node: caller, Steps: evalSteps}, source)
}
