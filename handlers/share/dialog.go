package share

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"convoy/handlers/hop"
	"convoy/handlers/web"
	"convoy/templates"
)

// ShowDialog answers htmx with the dialog of a shell's links, after they were listed, or a link was created or revoked.
// body is that route's JSON.
func (g *Guests) ShowDialog(w http.ResponseWriter, r *http.Request, body []byte) error {
	node, err := g.Hub.Nodes.Of(r)
	if err != nil {
		return err
	}
	shell := chi.URLParam(r, "shell")
	view := templates.ShareLinks{
		Path:  "/nodes/" + url.PathEscape(node.Name) + "/shells/" + url.PathEscape(shell) + "/links",
		What:  "the shell",
		Short: hop.ShortName(node.Host),
	}
	for _, s := range g.Hub.ShellsOf(node) {
		if s.ID == shell {
			view.What = s.Title
		}
	}
	var links []LinkView
	switch r.Method {
	case http.MethodGet:
		err = json.Unmarshal(body, &links)
	case http.MethodPost:
		var made LinkView
		err = json.Unmarshal(body, &made)
		o := web.OriginOf(r)
		view.Made, view.Said = o.Scheme+"://"+o.Host+made.URL, "Created."
	default:
		view.Said = "Revoked."
	}
	if err == nil && r.Method != http.MethodGet {
		links, err = g.linksOf(r.Context(), node.Name, shell)
	}
	if err != nil {
		return err
	}
	for _, l := range links {
		view.Links = append(view.Links, l.row())
	}
	return g.Hub.Site.Render(w, http.StatusOK, "share_links", view)
}

// linksOf are the links to a shell of this node or another.
func (g *Guests) linksOf(ctx context.Context, node, shell string) (links []LinkView, err error) {
	if node == g.Hub.Self {
		return g.Links.list(shell), nil
	}
	err = g.Hub.Nodes.GetJSON(ctx, node, "/shells/"+url.PathEscape(shell)+"/links", &links)
	return links, err
}

// row is the link in the dialog.
func (l LinkView) row() templates.ShareLink {
	row := templates.ShareLink{
		ID: l.ID, Types: l.Right == "type", Label: l.Label, Expires: l.Expires, By: l.By, Viewers: l.Viewers,
	}
	if l.Used != nil {
		row.Used = *l.Used
	}
	return row
}
