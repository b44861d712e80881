package alerts

import (
	"context"
	"net/http"
	"strings"

	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/pty"
	"convoy/templates"
)

// Show answers GET /nodes/{node}/shells/{shell}/alert: what the user of the request has asked for.
func (s *Set) Show(w http.ResponseWriter, r *http.Request, shell *pty.Shell) error {
	ask := s.get(shell.Info().ID, session.Of(r).User)
	ask.Able, ask.Hook = s.able(), s.Send != nil
	return web.WriteJSON(w, http.StatusOK, ask)
}

// Update answers POST /nodes/{node}/shells/{shell}/alert, which replaces what the user has asked for. The alert lasts
// no longer than life.
func (s *Set) Update(life context.Context) func(http.ResponseWriter, *http.Request, *pty.Shell) error {
	return func(w http.ResponseWriter, r *http.Request, shell *pty.Shell) error {
		var ask templates.Alert
		if err := web.ReadOptions(w, r, &ask); err != nil {
			return err
		}
		id := shell.Info().ID
		session.Describe(r.Context(), s.Self+"/"+id, strings.Join(ask.Words(), ", "))
		if err := s.Set(life, shell, session.Of(r).Actor(), ask); err != nil {
			return err
		}
		return s.Show(w, r, shell)
	}
}
