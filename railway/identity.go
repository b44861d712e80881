package railway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const startTimeout = 15 * time.Second

// Identity is the verified identity of the token.
type Identity struct {
	Kind        TokenKind `json:"token"`
	Name        string    `json:"name,omitempty"`       // of the user or the project token
	Workspaces  []string  `json:"workspaces,omitempty"` // of an account or workspace token
	Project     string    `json:"project"`              // id
	Title       string    `json:"project_name,omitempty"`
	Plan        string    `json:"plan,omitempty"`
	Environment string    `json:"environment"` // id
}

// prove verifies the token and sets the refusal. Railway treats a wrong token as anonymous and answers without an
// error, so only a positive result counts.
func (p *Provider) prove(ctx context.Context) {
	id, refusal := p.identify(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if refusal != p.refusal {
		p.log.Info("railway identity", "status", cmp.Or(refusal, "proved"), "kind", string(id.Kind))
		p.refusal = refusal
		p.notifyChanged()
	}
	if refusal == "" {
		p.identity, p.project, p.env = id, id.Project, id.Environment
	}
}

// identify asks Railway for the token's identity, and whether it can access the project.
func (p *Provider) identify(ctx context.Context) (id Identity, refusal string) {
	if p.cfg.Token == "" {
		return id, "there is no Railway token: set RAILWAY_API_TOKEN to an account or workspace token"
	}
	id, err := p.identifyToken(ctx)
	if err != nil {
		return id, refusalOf(err)
	}
	if id.Project == "" || id.Environment == "" {
		return id, "the project and environment of nodes are unknown: set RAILWAY_PROJECT_ID and RAILWAY_ENVIRONMENT_ID"
	}
	seen, err := inventory(ctx, p.client, id.Environment, id.Project, 1, "")
	switch {
	case is(err, Unauthorized, NotFound):
		return id, "the Railway token cannot see this project and environment: it belongs to another workspace, or the " +
			"ids are wrong"
	case err != nil:
		return id, refusalOf(err)
	case seen.Environment.ProjectId != id.Project:
		return id, "RAILWAY_ENVIRONMENT_ID is not an environment of RAILWAY_PROJECT_ID"
	}
	if plan, err := projectPlan(ctx, p.client, id.Project); err == nil { // project tokens cannot query that
		id.Title, id.Plan = plan.Project.Name, plan.Project.SubscriptionType
		p.client.budget.setPlan(id.Plan)
	}
	return id, ""
}

// identifyToken identifies the token. One that is not a project token may be an account's, in the wrong variable.
func (p *Provider) identifyToken(ctx context.Context) (Identity, error) {
	id := Identity{Kind: p.cfg.TokenKind, Project: p.cfg.Project, Environment: p.cfg.Environment}
	p.client.kind.Store(p.cfg.TokenKind)
	if id.Kind == ProjectToken {
		answer, err := projectTokenContext(ctx, p.client)
		if err == nil {
			return id.ofProject(answer.ProjectToken)
		}
		if !is(err, Unauthorized, NotFound) {
			return id, err
		}
		p.client.kind.Store(Bearer)
		id.Kind = Bearer
	}
	answer, err := apiTokenContext(ctx, p.client)
	if err != nil {
		return id, err
	}
	for _, one := range answer.ApiToken.Workspaces {
		id.Workspaces = append(id.Workspaces, one.Name)
	}
	if len(id.Workspaces) == 0 {
		return id, &Error{Operation: "apiTokenContext", Code: Unauthorized, Message: "the token reaches no workspace"}
	}
	return id, nil
}

// ofProject adds the project token's data.
func (id Identity) ofProject(token projectTokenContextProjectToken) (Identity, error) {
	if token.ProjectId == "" || token.EnvironmentId == "" {
		return id, &Error{Operation: "projectTokenContext", Code: Unauthorized, Message: "the token belongs to no project"}
	}
	if id.Project != "" && id.Project != token.ProjectId || id.Environment != "" && id.Environment != token.EnvironmentId {
		return id, &Error{
			Operation: "projectTokenContext",
			Code:      Unauthorized,
			Message:   "the token belongs to another project or environment",
		}
	}
	id.Name, id.Project, id.Environment = token.Name, token.ProjectId, token.EnvironmentId
	return id, nil
}

// refusalOf explains to users why the token could not be verified. Only what Railway says about a token counts against
// it.
func refusalOf(err error) string {
	e, answered := errors.AsType[*Error](err)
	answered = answered && e.Status != 0 && e.Status < http.StatusInternalServerError
	switch {
	case is(err, Unauthorized, NotFound):
		return fmt.Sprintf(
			"Railway does not know the token (%v): create a new account or workspace token and set RAILWAY_API_TOKEN", err,
		)
	case is(err, TwoFactor):
		return "the workspace requires two-factor authentication: enable it for the token's owner, then create a new token"
	case is(err, RateLimited):
		return fmt.Sprintf("Railway's rate limit is reached (%v)", err)
	case answered:
		return fmt.Sprintf("Railway does not answer as expected, and Convoy tries again (%v)", err)
	default:
		return fmt.Sprintf("Railway's API is not available (%v)", err)
	}
}
