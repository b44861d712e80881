package handlers

import (
	"cmp"
	"crypto/rand"
	"net/http"

	"github.com/go-chi/chi/v5"

	"convoy/assets"
	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/templates"
)

// GET /
//
// It requires a login itself, because it also takes the token of the printed link.
func (h *Handlers) showConsole(w http.ResponseWriter, r *http.Request) error {
	if done, err := h.sessions.LogInByLink(w, r); done || err != nil {
		return err
	}
	if session.Of(r).Grant == "" {
		h.sessions.AskForLogin(w, r)
		return nil
	}
	defer h.live.KeepCurrent(r.Context())()
	list, listID, err := h.live.ServeList()
	if err != nil {
		return err
	}
	view := templates.Console{
		Page:      h.page(r, templates.ShortName(h.Self)),
		NodeList:  list,
		ListID:    listID,
		MaxUpload: h.MaxUpload,
		Pass:      h.sessions.Pass(r),
		Run:       templates.RunState{Name: templates.CommandRun, Run: rand.Text()},
	}
	if r.URL.Query().Get("view") == "table" {
		view.View = "table"
	}
	if h.Warning != nil {
		view.Warning.Level = "warn"
		view.Warning.Text, view.Warning.Hint = h.Warning()
	}
	h.live.AddSparks(view.Nodes)
	h.firstScreens(r.Context(), view.Nodes)
	return h.site.Render(w, http.StatusOK, "console", view)
}

// GET /guide, GET /guide/{page}
func (h *Handlers) showGuide(w http.ResponseWriter, r *http.Request) error {
	guide, err := h.guide()
	if err != nil {
		return err
	}
	name := cmp.Or(chi.URLParam(r, "page"), "index")
	doc, ok := guide.Page(name)
	if !ok {
		return web.NewError(http.StatusNotFound, "the guide has no such page", "it begins at /guide")
	}
	view := templates.Guide{Page: h.page(r, doc.Title), Body: doc.Body}
	for _, page := range guide.Pages() {
		view.Pages = append(view.Pages, templates.GuideLink{Name: page.Name, Title: page.Title, Current: page.Name == name})
	}
	return h.site.Render(w, http.StatusOK, "guide", view)
}

// page is what every page shows.
func (h *Handlers) page(r *http.Request, title string) templates.Page {
	s := session.Of(r)
	page := templates.Page{
		Title: title,
		Nonce: web.Nonce(r),
		Node:  h.Self,
		Build: assets.Build(),
		User:  s.User,
		Role:  s.RoleName(),
	}
	if len(s.Keys) > 0 {
		page.Key = h.sessions.KeySlot()
	}
	return page
}
