package railway

import (
	"context"
	"fmt"
	"time"
)

const startTimeout = 15 * time.Second

// Identity is who the token proved to be.
type Identity struct {
	Kind       TokenKind `json:"token"`
	Name       string    `json:"name,omitempty"`       // of the person or the project token
	Workspaces []string  `json:"workspaces,omitempty"` // that an account or workspace token reaches
	Project    string    `json:"project"`              // id
	Title      string    `json:"project_name,omitempty"`
	Plan       string    `json:"plan,omitempty"`
	Place      string    `json:"environment"` // id
}

// prove finds out who the token is and sets the refusal accordingly. Railway takes a wrong token for nobody's and
// answers as if nothing were the matter, so only a positive proof counts.
func (p *Provider) prove(ctx context.Context) {
	who, refusal := p.identify(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if refusal != p.refusal {
		p.log.Info("railway identity", "status", orWord(refusal, "proved"), "kind", string(who.Kind))
		p.refusal = refusal
		p.touch()
	}
	if refusal == "" {
		p.who, p.project, p.env = who, who.Project, who.Place
	}
}

func orWord(text, word string) string {
	if text == "" {
		return word
	}
	return text
}

// identify asks Railway who the token is, and whether it sees the project.
func (p *Provider) identify(ctx context.Context) (who Identity, refusal string) {
	if p.cfg.Token == "" {
		return who, "there is no Railway token: set RAILWAY_API_TOKEN to an account or workspace token"
	}
	who, err := p.whoIs(ctx)
	if err != nil {
		return who, refusalOf(err)
	}
	if who.Project == "" || who.Place == "" {
		return who, "it is not known which project and environment nodes belong to: set RAILWAY_PROJECT_ID and " +
			"RAILWAY_ENVIRONMENT_ID"
	}
	seen, err := inventory(ctx, p.client, who.Place, who.Project, 1, "")
	switch {
	case is(err, Unauthorized, NotFound):
		return who, "the Railway token cannot see this project and environment: it belongs to another workspace, or the " +
			"ids are wrong"
	case err != nil:
		return who, refusalOf(err)
	case seen.Environment.ProjectId != who.Project:
		return who, "RAILWAY_ENVIRONMENT_ID is no environment of RAILWAY_PROJECT_ID"
	}
	if plan, err := projectPlan(ctx, p.client, who.Project); err == nil { // project tokens may not ask that
		who.Title, who.Plan = plan.Project.Name, plan.Project.SubscriptionType
		p.client.budget.setPlan(who.Plan)
	}
	return who, ""
}

// whoIs proves the token. One that is no project token may be an account's, whatever its variable was called.
func (p *Provider) whoIs(ctx context.Context) (Identity, error) {
	who := Identity{Kind: p.cfg.TokenKind, Project: p.cfg.Project, Place: p.cfg.Environment}
	p.client.kind.Store(p.cfg.TokenKind)
	if who.Kind == ProjectToken {
		answer, err := projectTokenContext(ctx, p.client)
		if err == nil {
			return who.ofProject(answer.ProjectToken)
		}
		if !is(err, Unauthorized, NotFound, Refused) {
			return who, err
		}
		p.client.kind.Store(Bearer)
		who.Kind = Bearer
	}
	answer, err := apiTokenContext(ctx, p.client)
	if err != nil {
		return who, err
	}
	for _, one := range answer.ApiToken.Workspaces {
		who.Workspaces = append(who.Workspaces, one.Name)
	}
	if len(who.Workspaces) == 0 {
		return who, &Error{Operation: "apiTokenContext", Code: Unauthorized, Message: "the token reaches no workspace"}
	}
	return who, nil
}

// ofProject completes an identity by what a project token says.
func (who Identity) ofProject(token projectTokenContextProjectToken) (Identity, error) {
	if token.ProjectId == "" || token.EnvironmentId == "" {
		return who, &Error{Operation: "projectTokenContext", Code: Unauthorized, Message: "the token belongs to no project"}
	}
	if (who.Project != "" && who.Project != token.ProjectId) || (who.Place != "" && who.Place != token.EnvironmentId) {
		return who, &Error{
			Operation: "projectTokenContext",
			Code:      Unauthorized,
			Message:   "the token belongs to another project or environment",
		}
	}
	who.Name, who.Project, who.Place = token.Name, token.ProjectId, token.EnvironmentId
	return who, nil
}

// refusalOf puts the reason why the token proved nothing in words for people.
func refusalOf(err error) string {
	switch {
	case is(err, Unauthorized, NotFound, Refused):
		return fmt.Sprintf(
			"Railway does not know the token (%v): make a new account or workspace token and set RAILWAY_API_TOKEN",
			err,
		)
	case is(err, TwoFactor):
		return "the workspace demands two-factor authentication: switch it on for the token's owner, then make a new token"
	case is(err, RateLimited):
		return fmt.Sprintf("Railway's rate limit is reached (%v)", err)
	default:
		return fmt.Sprintf("Railway's API cannot be asked (%v)", err)
	}
}
