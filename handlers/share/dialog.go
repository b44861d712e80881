package share

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"convoy/templates"
)

// ShowDialog responds to htmx with the dialog of a shell's links, after they were listed, or a link was created or
// revoked. body is that route's JSON.
func (g *Guests) ShowDialog(w http.ResponseWriter, r *http.Request, body []byte) error {
	node, err := g.Hub.Nodes.Of(r)
	if err != nil {
		return err
	}
	shell := chi.URLParam(r, "shell")
	view := templates.ShareLinks{
		Path:  "/nodes/" + url.PathEscape(node.Name) + "/shells/" + url.PathEscape(shell) + "/links",
		What:  "the shell",
		Short: templates.ShortName(node.Host),
	}
	for _, s := range g.Hub.ShellsOf(node.Name) {
		if s.ID == shell {
			view.What = s.Label()
		}
	}
	switch r.Method {
	case http.MethodGet:
		err = json.Unmarshal(body, &view.Links)
	case http.MethodPost:
		var made templates.ShareLink
		err = json.Unmarshal(body, &made)
		view.Made, view.Said = g.Hub.Site.URL(r, made.URL), "Created."
	default:
		view.Said = "Revoked."
	}
	if err == nil && r.Method != http.MethodGet {
		view.Links, err = g.linksOf(r.Context(), node.Name, shell)
	}
	if err != nil {
		return err
	}
	return g.Hub.Site.Render(w, http.StatusOK, "share_links", view)
}

// linksOf are the links to a shell of this node or another.
func (g *Guests) linksOf(ctx context.Context, node, shell string) (links []templates.ShareLink, err error) {
	if node == g.Hub.Self {
		return g.Links.list(shell), nil
	}
	err = g.Hub.Nodes.GetJSON(ctx, node, "/shells/"+url.PathEscape(shell)+"/links", &links)
	return links, err
}
