package rpc

import (
	"context"
	"fmt"

	"convoy/access"
	"convoy/repl"
)

const (
	// evalSteps bounds what one evaluation that comes by a call may do.
	evalSteps = 50_000_000
	// maxEvals is how many evaluations run at once, since each may take much memory.
	maxEvals = 4
)

// newEvals bounds the evaluations that run at once. Others wait; one user's cannot take all turns.
func newEvalQuota() *access.Quota {
	return &access.Quota{Total: maxEvals, Reserve: 1, PerUser: 2, MaxWaiting: 16}
}

// Eval evaluates source text in a Convoy shell of its own on this node, with the rights of somebody, when its turn
// comes. The error is for what concerns the node; what is wrong with the text is in the result.
func (s *Service) Eval(ctx context.Context, who access.Identity, source string) (repl.Result, error) {
	release, err := s.evals.Acquire(ctx, access.Claim{Identity: who})
	if err != nil {
		return repl.Result{}, fmt.Errorf("too many evaluations at once: %w", err)
	}
	defer release()
	caller := s.newSession(who.User, func() access.Identity { return who })
	defer caller.close()
	return repl.Eval(ctx, repl.Options{Command: s.cfg.Evaluator, Node: caller, Steps: evalSteps}, source)
}
