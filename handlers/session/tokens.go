package session

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"convoy/access"
	"convoy/handlers/web"
	"convoy/templates"
)

const (
	maxTokens    = 200 // of a cluster
	tokensOfUser = 50
	// maxTokenDays is how long an API token may last, usualTokenDays how long it does by default.
	maxTokenDays, usualTokenDays = 366, 90
)

// ListTokens handles GET /tokens.
func (m *Manager) ListTokens(w http.ResponseWriter, r *http.Request) error {
	list := []templates.Grant{}
	for _, g := range m.valid(access.Token) {
		list = append(list, Of(r).describe(g))
	}
	return web.WriteJSON(w, http.StatusOK, list)
}

// tokenOptions is the body of POST /tokens.
type tokenOptions struct {
	Name string `json:"name"`
	Role string `json:"role"`
	Days int    `json:"days"`
}

// newToken is the response to POST /tokens. Only it has the token.
type newToken struct {
	templates.Grant
	Token string `json:"token"`
}

// CreateToken handles POST /tokens.
func (m *Manager) CreateToken(w http.ResponseWriter, r *http.Request) error {
	asked := tokenOptions{Role: access.Viewer.String(), Days: usualTokenDays}
	if err := web.ReadOptions(w, r, &asked); err != nil {
		return err
	}
	asked.Name = strings.TrimSpace(asked.Name)
	role, err := access.ParseRole(asked.Role)
	switch {
	case err != nil:
		return web.BadRequest("%v", err)
	case access.CheckName(asked.Name) != nil:
		return web.BadRequest("a token's name must have 1 to 64 characters of a-z, 0-9, dot, dash, underscore and @")
	case asked.Days < 1 || asked.Days > maxTokenDays:
		return web.BadRequest("days must be 1 to %d", maxTokenDays)
	}
	s, now := Of(r), time.Now().UTC()
	if err := m.checkTokens(s, asked.Name); err != nil {
		return err
	}
	Describe(r.Context(), asked.Name, fmt.Sprintf("%s, for %d days", role, asked.Days))
	who := s.Actor()
	who.Role = min(role, s.Role)
	text, g := access.NewToken(asked.Name, who, now, now.AddDate(0, 0, asked.Days))
	if err := m.Add(g); err != nil {
		return err
	}
	if !web.WantsHTML(r) {
		return web.WriteJSON(w, http.StatusCreated, newToken{s.describe(g), text})
	}
	view := m.loginList(s)
	view.Made = text
	return m.renderLogins(w, r, http.StatusCreated, view)
}

// checkTokens refuses one token too many, and a second one of that name. Tokens of other users, and of the user's
// earlier passwords, do not count: the user could not end them.
func (m *Manager) checkTokens(s Session, name string) error {
	others, own := m.valid(access.Token), 0
	if len(others) >= maxTokens {
		return web.NewError(http.StatusConflict,
			fmt.Sprintf("there are %d tokens already", maxTokens), "end those that you do not need")
	}
	for _, other := range others {
		if !s.Owns(other) {
			continue
		}
		own++
		if other.Name == name {
			return web.NewError(http.StatusConflict,
				"a token with this name exists", "end it first, or choose another name")
		}
	}
	if own >= tokensOfUser {
		return OverLimit("tokens")
	}
	return nil
}

// EndToken handles DELETE /tokens/{token}.
func (m *Manager) EndToken(w http.ResponseWriter, r *http.Request) error {
	g, err := m.Authority.Grants.Get(chi.URLParam(r, "token"))
	if errors.Is(err, access.ErrNoGrant) || g.Kind != access.Token {
		return errNoGrant
	}
	Describe(r.Context(), g.Name, "")
	Of(r).Release() // as in EndLogin
	return web.NoContent(w, m.End(g))
}
